/** For tests: the machinery over a memory store, with a few kinds of which each is special in another way. */
import { type Cache, createCache } from "../../apiserver/cache/cache.ts";
import { onShare } from "../../apiserver/cache/entry.ts";
import { type WindowLimits, windowLimits } from "../../apiserver/cache/window.ts";
import { MemoryStore } from "../../apiserver/storage/memory.ts";
import type { AdmissionPlugin, User } from "../../apiserver/admission/plugin.ts";
import { FakeClock } from "../../lib/seams/clock.ts";
import { seededRandom } from "../../lib/seams/random.ts";
import { fieldError } from "../../lib/status.ts";
import type { Deployment as DeploymentObject } from "../../lib/types/apps_v1.ts";
import type {
  Namespace as NamespaceObject,
  Pod as PodObject,
  Service as ServiceObject,
} from "../../lib/types/core_v1.ts";
import { ConfigMap, Deployment, Lease, Namespace, Pod, Service, ServiceAccount } from "../../lib/types/kinds.ts";
import { deepFreeze } from "./frozen.ts";
import { isDNS1123Label, isDNS1123Subdomain } from "../../lib/validation.ts";
import { parseRequestInfo } from "../../apiserver/rest/request_info.ts";
import { defineResource, type Resource } from "../../apiserver/rest/resource.ts";
import { createRest, type Rest, type RestContext, type RestParts } from "../../apiserver/rest/rest.ts";

// deno-lint-ignore no-explicit-any -- resources of different kinds in one list
type Any = any;

const configMaps = defineResource(ConfigMap, {
  definition: "io.k8s.api.core.v1.ConfigMap",
  shortNames: ["cm"],
}, isDNS1123Subdomain);

const namespaces = defineResource(Namespace, {
  definition: "io.k8s.api.core.v1.Namespace",
  shortNames: ["ns"],
  status: true,
  generation: false,
  prepareCreate(object: NamespaceObject) {
    object.spec = { finalizers: ["kubernetes"] };
    object.status = { phase: "Active" };
  },
  moreFinalizers: (object: NamespaceObject) => object.spec?.finalizers ?? [],
  prepareDelete(object: NamespaceObject) {
    object.status.phase = "Terminating";
  },
  subresources: {
    finalize: {
      do: "write",
      verbs: ["update"],
      kind: { group: "", version: "v1", kind: "Namespace" },
      definition: "io.k8s.api.core.v1.Namespace",
      apply(parent: Any, body: Any) {
        parent.spec.finalizers = body.spec?.finalizers;
        return [];
      },
    },
  },
}, isDNS1123Label);

const pods = defineResource(Pod, {
  definition: "io.k8s.api.core.v1.Pod",
  shortNames: ["po"],
  categories: ["all"],
  status: true,
  returnsDeleted: true,
  prepareCreate(object: PodObject) {
    object.status = { phase: "Pending" } as PodObject["status"];
  },
  validate: (object: PodObject) =>
    (object.spec?.containers ?? []).length === 0 ? [fieldError.required("spec.containers")] : [],
  validateUpdate: (object: PodObject, old: PodObject) =>
    object.spec.nodeName !== old.spec.nodeName
      ? [fieldError.forbidden("spec", "pod updates may not change fields other than these")]
      : [],
  graceSeconds: (object: PodObject, asked) =>
    object.spec.nodeName ? asked ?? object.spec.terminationGracePeriodSeconds ?? 30 : 0,
  fields: {
    "spec.nodeName": (object: PodObject) => object.spec.nodeName ?? "",
    "status.phase": (object: PodObject) => object.status?.phase ?? "",
  },
  columns: [
    {
      name: "Name",
      type: "string",
      format: "name",
      description: "The name.",
      value: (pod: PodObject) => pod.metadata.name,
    },
    { name: "Status", type: "string", description: "The phase.", value: (pod: PodObject) => pod.status.phase ?? "" },
    {
      name: "Node",
      type: "string",
      description: "Where.",
      priority: 1,
      value: (pod: PodObject) => pod.spec.nodeName ?? "<none>",
    },
  ],
  subresources: {
    binding: {
      do: "write",
      verbs: ["create"],
      kind: { group: "", version: "v1", kind: "Binding" },
      definition: "io.k8s.api.core.v1.Binding",
      answers: "status",
      apply(parent: Any, body: Any) {
        parent.spec.nodeName = body.target?.name;
        return body.target?.name ? [] : [fieldError.required("target.name")];
      },
    },
    eviction: {
      do: "evict",
      verbs: ["create"],
      kind: { group: "policy", version: "v1", kind: "Eviction" },
      definition: "io.k8s.api.policy.v1.Eviction",
    },
    log: {
      do: "connect",
      verbs: ["get"],
      kind: { group: "", version: "v1", kind: "Pod" },
      locate: (pod: PodObject, query) => ({
        to: "node",
        node: pod.spec.nodeName ?? "",
        path: `/containerLogs/${pod.metadata.namespace}/${pod.metadata.name}/c?${query}`,
      }),
    },
  },
}, isDNS1123Subdomain);

/** Addresses 10.0.0.1 … 10.0.0.4, so that a test can use them up. */
const services = defineResource(Service, {
  definition: "io.k8s.api.core.v1.Service",
  status: true,
  generation: false,
  returnsDeleted: true,
  prepareUpdate(object: ServiceObject, old: ServiceObject) {
    object.spec.clusterIP ||= old.spec.clusterIP;
  },
  allocate(object: ServiceObject | undefined, old: ServiceObject | undefined, context) {
    const owner = (object ?? old)!.metadata.uid;
    const claim = (how: "take" | "release", name: string) => ({ do: how, space: "clusterip", name, owner } as const);
    const had = old?.spec.clusterIP;
    if (object === undefined) return had ? [{ claim: claim("release", had) }] : [];
    const asked = object.spec.clusterIP;
    if (asked) {
      const refused = fieldError.invalid(
        "spec.clusterIPs",
        [asked],
        `failed to allocate IP ${asked}: provided IP is already allocated`,
      );
      return asked === had ? [] : [{ claim: claim("take", asked), refused }];
    }
    const free = [1, 2, 3, 4].map((n) => `10.0.0.${n}`).find((ip) => !context.taken("clusterip").has(ip));
    object.spec.clusterIP = free ?? "10.0.0.1";
    return [{ claim: claim("take", object.spec.clusterIP) }];
  },
}, isDNS1123Label);

const serviceAccounts = defineResource(ServiceAccount, {
  definition: "io.k8s.api.core.v1.ServiceAccount",
}, isDNS1123Subdomain);

const deployments = defineResource(Deployment, {
  definition: "io.k8s.api.apps.v1.Deployment",
  shortNames: ["deploy"],
  categories: ["all"],
  status: true,
  defaults(object: DeploymentObject) {
    if (object.spec.replicas === undefined) object.spec.replicas = 1;
  },
  validate: (object: DeploymentObject) =>
    (object.spec.replicas ?? 0) < 0
      ? [fieldError.invalid("spec.replicas", object.spec.replicas, "must be greater than or equal to 0")]
      : [],
  scale: {
    replicas: (object: DeploymentObject) => object.spec.replicas ?? 0,
    setReplicas: (object: DeploymentObject, replicas) => void (object.spec.replicas = replicas),
    statusReplicas: (object: DeploymentObject) => object.status.replicas ?? 0,
    selector: () => "app=web",
  },
}, isDNS1123Subdomain);

const leases = defineResource(Lease, {
  definition: "io.k8s.api.coordination.v1.Lease",
  history: "lease",
  createOnUpdate: true,
  unconditionalUpdate: false,
}, isDNS1123Subdomain);

export const sampleResources = [
  configMaps,
  namespaces,
  pods,
  services,
  serviceAccounts,
  deployments,
  leases,
] as unknown as readonly Resource[];

export const testUser: User = { name: "tester", groups: ["system:authenticated"] };

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  // deno-lint-ignore no-explicit-any -- whatever the server says; tests compare it
  body: any;
}

export interface Fixture {
  rest: Rest;
  store: MemoryStore;
  clock: FakeClock;
  cache: ReturnType<typeof createCache>;
  /** Bodies that are no text are sent as JSON. */
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  raw(method: string, path: string, body?: unknown, options?: RawOptions): Promise<Response>;
  close(): Promise<void>;
}

export interface RawOptions {
  headers?: Record<string, string>;
  context?: Partial<RestContext>;
}

export interface FixtureOptions extends Partial<RestParts> {
  admission?: readonly AdmissionPlugin[];
  seed?: number;
  window?: Partial<WindowLimits>;
  /** Parts that look into the cache. */
  over?(cache: Cache, store: MemoryStore): Partial<RestParts>;
}

/** Started. Close it. */
export async function createFixture(options: FixtureOptions = {}): Promise<Fixture> {
  const { seed = 1, window, over, ...parts } = options;
  onShare(deepFreeze);
  const clock = new FakeClock();
  const random = seededRandom(seed);
  const store = new MemoryStore({ random });
  const resources = options.resources ?? sampleResources;
  const storages = [...new Set(resources.map((resource) => resource.storage))];
  const cache = createCache(store, storages, { clock, window: { ...windowLimits, ...window } });
  await cache.start();
  const config = {
    serviceCidr: "10.96.0.0/16",
    nodePortRange: { from: 30000, to: 32767 },
    clusterDomain: "cluster.local",
  };
  const version = { major: "1", minor: "36", gitVersion: "v1.36.0+sauropod.test" };
  const rest = createRest({
    store,
    cache,
    resources,
    admission: [],
    clock,
    random,
    config,
    version,
    ...parts,
    ...over?.(cache, store),
  });
  const raw: Fixture["raw"] = async (method, path, body, { headers = {}, context = {} } = {}) => {
    const url = new URL(path, "http://apiserver");
    const isText = typeof body === "string" || body instanceof Uint8Array;
    const request = new Request(url, {
      method,
      headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
      body: body === undefined ? undefined : isText ? body as BodyInit : JSON.stringify(body),
    });
    const requestInfo = parseRequestInfo(method, url);
    return await rest.handle(request, { user: testUser, requestInfo, ...context });
  };
  return {
    rest,
    store,
    clock,
    cache,
    raw,
    async send(method, path, body, headers) {
      const response = await raw(method, path, body, { headers });
      const text = await response.text();
      const json = response.headers.get("content-type")?.startsWith("application/json") && text !== "";
      return { status: response.status, headers: response.headers, text, body: json ? JSON.parse(text) : undefined };
    },
    async close() {
      await cache.close();
      await store.close();
    },
  };
}

/**
 * The Service `kubernetes` in the namespace default and its endpoints: how pods reach the API servers
 * (pkg/controlplane/controller/kubernetesservice, pkg/controlplane/reconcilers). Its endpoints are those that renew their Leases, and in
 * any case the one that this runs in. As upstream all of them have one port: others are left out.
 */
import { type Controller, source, type WakeAt } from "../../lib/controller/controller.ts";
import type { KubeObject, New } from "../../lib/kind.ts";
import { type Endpoint, endpointOf } from "../../lib/apiserver_presence.ts";
import * as limits from "../../lib/limits.ts";
import type { Clock, Instant } from "../../lib/seams/clock.ts";
import type { Lease } from "../../lib/types/coordination_v1.ts";
import type { Endpoints, Namespace, Service } from "../../lib/types/core_v1.ts";
import type { EndpointSlice } from "../../lib/types/discovery_v1.ts";
import * as kinds from "../../lib/types/kinds.ts";
import { createBell } from "./changes.ts";
import { addressAt, parseRange } from "./cidr.ts";
import type { ControllerConfig, Parts } from "./parts.ts";
import { same } from "./same.ts";

const ref = { namespace: "default", name: "kubernetes" } as const;
const key = "default/kubernetes";

export interface KubernetesServiceView {
  namespace: Namespace | undefined;
  service: Service | undefined;
  endpoints: Endpoints | undefined;
  slice: EndpointSlice | undefined;
  servers: readonly Server[];
  config: ControllerConfig;
}

/** An API server, by its Lease. */
interface Server {
  readonly lease: Lease;
  readonly endpoint: Endpoint;
  /** When its last sign of life was seen, on our own clock: its own may be wrong. */
  readonly seenAt: Instant;
}

export type KubernetesServiceAction =
  | { do: "create"; what: "service" | "endpoints" | "slice"; object: New<KubeObject>; why: string }
  | { do: "update"; what: "service" | "endpoints" | "slice"; object: KubeObject; why: string }
  | { do: "forget"; lease: Lease; why: string };

const kindOf = { service: kinds.Service, endpoints: kinds.Endpoints, slice: kinds.EndpointSlice } as const;

export function planKubernetesService(
  view: KubernetesServiceView,
  now: Instant,
): readonly (KubernetesServiceAction | WakeAt)[] {
  if (view.namespace === undefined) return [];
  const { advertiseAddress, port, serviceCidr } = view.config;
  const alive = view.servers.filter((server) => now < silentAt(server));
  const others = alive.filter(({ endpoint }) => endpoint.port === port).map(({ endpoint }) => endpoint.address);
  const isIpv6 = (address: string) => address.includes(":");
  const addresses = [...new Set([advertiseAddress, ...others])]
    .filter((address) => isIpv6(address) === isIpv6(advertiseAddress)).sort();
  return [
    ...leasesPlan(view.servers, now),
    ...ensure("service", view.service, { labels: { component: "apiserver", provider: "kubernetes" } }, {
      spec: {
        clusterIP: addressAt(parseRange(serviceCidr), 1),
        type: "ClusterIP",
        sessionAffinity: "None",
        ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: port }],
      },
    }),
    // The slice below is ours: nobody needs to mirror these.
    ...ensure("endpoints", view.endpoints, { labels: { "endpointslice.kubernetes.io/skip-mirror": "true" } }, {
      subsets: [{ addresses: addresses.map((ip) => ({ ip })), ports: [{ name: "https", port, protocol: "TCP" }] }],
    }),
    ...ensure("slice", view.slice, { labels: { "kubernetes.io/service-name": ref.name } }, {
      addressType: isIpv6(advertiseAddress) ? "IPv6" : "IPv4",
      endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
      ports: [{ name: "https", port, protocol: "TCP" }],
    }),
  ];
}

const silentAt = ({ lease, seenAt }: Server): Instant =>
  seenAt + (lease.spec.leaseDurationSeconds ?? limits.presenceLeaseSeconds) * 1000;

/** When to look again, and which Leases nobody will renew any more. */
function leasesPlan(servers: readonly Server[], now: Instant): (KubernetesServiceAction | WakeAt)[] {
  return servers.map((server) => {
    if (now < silentAt(server)) return { do: "wakeAt", at: silentAt(server), why: "an API server may fall silent" };
    const at = server.seenAt + limits.presenceForgetMs;
    if (now < at) return { do: "wakeAt", at, why: "an API server may have gone for good" };
    return { do: "forget", lease: server.lease, why: "its API server has not been heard of for an hour" };
  });
}

/** The Leases' signs of life, as we saw them. */
class Signs {
  readonly #seen = new Map<string, { sign: string; at: Instant }>();

  constructor(private readonly clock: Clock) {}

  /** When this Lease's present state was seen first. One that we see for the first time may be old: then its own time counts. */
  at({ metadata: { uid }, spec }: Lease): Instant {
    const sign = `${spec.renewTime ?? ""}`;
    const known = this.#seen.get(uid);
    if (known?.sign === sign) return known.at;
    const now = this.clock.now();
    const at = known === undefined ? Math.min(now, Date.parse(sign) || 0) : now;
    this.#seen.set(uid, { sign, at });
    return at;
  }

  /** Keeps only those of these Leases. */
  keep(leases: readonly Lease[]): void {
    const uids = new Set(leases.map(({ metadata }) => metadata.uid));
    for (const uid of this.#seen.keys()) if (!uids.has(uid)) this.#seen.delete(uid);
  }
}

type Body = Record<string, unknown>;

/** Creates what is missing, and mends what differs in what we say about it. */
function ensure(
  what: "service" | "endpoints" | "slice",
  current: KubeObject | undefined,
  metadata: { labels: Record<string, string> },
  body: Body,
): KubernetesServiceAction[] {
  if (current === undefined) {
    const object = { metadata: { ...ref, ...metadata }, ...body } as New<KubeObject>;
    return [{ do: "create", what, object, why: "pods reach the API server through it" }];
  }
  const merged = {
    ...current,
    ...overlay(current as unknown as Body, body),
    metadata: { ...current.metadata, labels: { ...current.metadata.labels, ...metadata.labels } },
  };
  return same(merged, current)
    ? []
    : [{ do: "update", what, object: merged, why: "it differs from the server's settings" }];
}

/** `body` over `current`, keeping the members of a spec that we say nothing about (they are defaults). */
function overlay(current: Body, body: Body): Body {
  const spec = body.spec === undefined ? {} : { spec: { ...current.spec as Body, ...body.spec as Body } };
  return { ...body, ...spec };
}

export function kubernetesServiceController(
  { informers, config, clock }: Parts,
): Controller<KubernetesServiceView, KubernetesServiceAction> {
  const { namespaces, services, endpoints, endpointSlices, leases } = informers;
  const signs = new Signs(clock);
  const servers = () => {
    const found = [...leases.list()].filter((lease) => endpointOf(lease) !== undefined);
    signs.keep(found);
    return found.map((lease) => ({ lease, endpoint: endpointOf(lease)!, seenAt: signs.at(lease) }));
  };
  const ours = ({ metadata }: KubeObject) =>
    metadata.namespace === ref.namespace && metadata.name === ref.name ? [key] : [];
  return {
    name: "kubernetes-service",
    sources: [
      createBell("kubernetes-service", [key]).source,
      source(namespaces, ({ metadata }) => metadata.name === ref.namespace ? [key] : []),
      source(services, ours),
      source(endpoints, ours),
      source(endpointSlices, ours),
      source(leases, (lease) => endpointOf(lease) === undefined ? [] : [key]),
    ],
    view: () => ({
      namespace: namespaces.get(ref.namespace),
      service: services.get(key),
      endpoints: endpoints.get(key),
      slice: endpointSlices.get(key),
      servers: servers(),
      config,
    }),
    plan: planKubernetesService,
    async execute(action, client) {
      if (action.do === "forget") {
        // Only as it was: it may have come back.
        const { uid, resourceVersion } = action.lease.metadata;
        return void await client.delete(kinds.Lease, action.lease.metadata, {
          preconditions: { uid, resourceVersion },
        });
      }
      const kind = kindOf[action.what] as (typeof kinds)["Service"];
      if (action.do === "create") await client.create(kind, action.object as New<Service>);
      else await client.update(kind, action.object as Service);
    },
  };
}

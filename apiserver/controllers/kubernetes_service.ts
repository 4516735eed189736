/**
 * The Service `kubernetes` in the namespace default and its endpoint: how pods reach the API server
 * (pkg/controlplane/controller/kubernetesservice, pkg/controlplane/reconcilers). Leaves out several API servers: the leader's address
 * is the endpoint.
 */
import { type Controller, source } from "../../lib/controller/controller.ts";
import type { KubeObject, New } from "../../lib/kind.ts";
import type { Instant } from "../../lib/seams/clock.ts";
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
  config: ControllerConfig;
}

export type KubernetesServiceAction =
  | { do: "create"; what: "service" | "endpoints" | "slice"; object: New<KubeObject>; why: string }
  | { do: "update"; what: "service" | "endpoints" | "slice"; object: KubeObject; why: string };

const kindOf = { service: kinds.Service, endpoints: kinds.Endpoints, slice: kinds.EndpointSlice } as const;

export function planKubernetesService(view: KubernetesServiceView, _now: Instant): readonly KubernetesServiceAction[] {
  if (view.namespace === undefined) return [];
  const { advertiseAddress, port, serviceCidr } = view.config;
  return [
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
      subsets: [{ addresses: [{ ip: advertiseAddress }], ports: [{ name: "https", port, protocol: "TCP" }] }],
    }),
    ...ensure("slice", view.slice, { labels: { "kubernetes.io/service-name": ref.name } }, {
      addressType: advertiseAddress.includes(":") ? "IPv6" : "IPv4",
      endpoints: [{ addresses: [advertiseAddress], conditions: { ready: true } }],
      ports: [{ name: "https", port, protocol: "TCP" }],
    }),
  ];
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
  { informers, config }: Parts,
): Controller<KubernetesServiceView, KubernetesServiceAction> {
  const { namespaces, services, endpoints, endpointSlices } = informers;
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
    ],
    view: () => ({
      namespace: namespaces.get(ref.namespace),
      service: services.get(key),
      endpoints: endpoints.get(key),
      slice: endpointSlices.get(key),
      config,
    }),
    plan: planKubernetesService,
    async execute(action, client) {
      const kind = kindOf[action.what] as (typeof kinds)["Service"];
      if (action.do === "create") await client.create(kind, action.object as New<Service>);
      else await client.update(kind, action.object as Service);
    },
  };
}

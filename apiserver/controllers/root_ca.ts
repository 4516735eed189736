/** The ConfigMap kube-root-ca.crt of every namespace: how pods know the API server (pkg/controller/certificates/rootcacertpublisher). */
import { type Controller, source } from "../../lib/controller/controller.ts";
import type { New } from "../../lib/kind.ts";
import type { Instant } from "../../lib/seams/clock.ts";
import { isReason } from "../../lib/status.ts";
import type { ConfigMap, Namespace } from "../../lib/types/core_v1.ts";
import { ConfigMap as ConfigMapKind } from "../../lib/types/kinds.ts";
import type { Parts } from "./parts.ts";
import { isNamespaceTerminating } from "./pod_template.ts";
import { same } from "./same.ts";
import { isLeaving } from "./service_account.ts";

const name = "kube-root-ca.crt";
const description =
  "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal " +
  "service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

export interface RootCaView {
  namespace: Namespace;
  map: ConfigMap | undefined;
  caPem: string;
}

export type RootCaAction =
  | { do: "create"; map: New<ConfigMap>; why: string }
  | { do: "update"; map: ConfigMap; why: string };

export function planRootCa({ namespace, map, caPem }: RootCaView, _now: Instant): readonly RootCaAction[] {
  if (isLeaving(namespace)) return [];
  const data = { "ca.crt": caPem };
  const annotations = { "kubernetes.io/description": description };
  if (map === undefined) {
    const metadata = { name, namespace: namespace.metadata.name, annotations };
    return [{ do: "create", map: { metadata, data }, why: "pods of the namespace mount it" }];
  }
  const described = map.metadata.annotations?.["kubernetes.io/description"] === description;
  if (described && same(map.data, data)) return [];
  const metadata = { ...map.metadata, annotations: { ...map.metadata.annotations, ...annotations } };
  return [{ do: "update", map: { ...map, metadata, data }, why: "it has another CA" }];
}

export function rootCaController({ informers, config }: Parts): Controller<RootCaView, RootCaAction> {
  const { namespaces, rootCas } = informers;
  return {
    name: "root-ca-cert-publisher",
    sources: [
      source(namespaces, ({ metadata }) => [metadata.name]),
      source(rootCas, ({ metadata }) => [metadata.namespace]),
    ],
    view(key) {
      const namespace = namespaces.get(key);
      return namespace && { namespace, map: rootCas.get(`${key}/${name}`), caPem: config.caPem };
    },
    plan: planRootCa,
    async execute(action, client) {
      try {
        if (action.do === "create") await client.create(ConfigMapKind, action.map);
        else await client.update(ConfigMapKind, action.map);
      } catch (error) {
        if (!isNamespaceTerminating(error) && !isReason(error, "AlreadyExists")) throw error;
      }
    },
  };
}

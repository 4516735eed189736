/**
 * The ClusterRoles and Roles for components and for what everybody may (bootstrappolicy/policy.go and namespace_policy.go), and
 * those that only this cluster has: `system:sauropod:*`.
 */
import { settingsMap } from "../../../../lib/join/settings.ts";
import { type DefaultRole, events, read, rule, urls } from "./rule.ts";

const health = "/healthz /livez /readyz";
const info = `${health} /version /version/`;
const csr = "certificatesigningrequests";
const certificates = "certificates.k8s.io";
const approver = (signer: string): DefaultRole => ({
  name: `system:certificates.k8s.io:${signer}-approver`,
  rules: [rule("approve", certificates, "signers", [`kubernetes.io/${signer}`])],
});
const reviews = [
  rule("create", "authentication.k8s.io", "tokenreviews"),
  rule("create", "authorization.k8s.io", "subjectaccessreviews"),
];
const leader = (name: string) => [
  rule("create", "coordination.k8s.io", "leases"),
  rule("get update", "coordination.k8s.io", "leases", [name]),
];

/** What everybody may. */
const everybody: readonly DefaultRole[] = [
  { name: "system:discovery", rules: [urls("get", `/api /api/* /apis /apis/* /openapi /openapi/* ${info}`)] },
  {
    name: "system:basic-user",
    rules: [
      rule("create", "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews"),
      rule("create", "authentication.k8s.io", "selfsubjectreviews"),
    ],
  },
  { name: "system:public-info-viewer", rules: [urls("get", info)] },
  {
    name: "system:service-account-issuer-discovery",
    rules: [
      urls(
        "get",
        "/.well-known/openid-configuration /.well-known/openid-configuration/ /openid/v1/jwks /openid/v1/jwks/",
      ),
    ],
  },
  { name: "system:sauropod:health-details", rules: [urls("get", "/healthz/* /livez/* /readyz/*")] },
];

/** For whoever an administrator gives them to. */
const optional: readonly DefaultRole[] = [
  { name: "system:auth-delegator", rules: reviews },
  approver("kube-apiserver-client"),
  approver("kube-apiserver-client-kubelet"),
  approver("kubelet-serving"),
  approver("legacy-unknown"),
  {
    name: "system:heapster",
    rules: [rule(read, "core", "events namespaces nodes pods"), rule(read, "extensions", "deployments")],
  },
  { name: "system:kube-aggregator", rules: [rule(read, "core", "endpoints services")] },
  {
    name: "system:kube-dns",
    rules: [rule("list watch", "core", "endpoints services"), rule("list watch", "discovery.k8s.io", "endpointslices")],
  },
  {
    name: "system:kubelet-api-admin",
    rules: [
      rule(read, "core", "nodes"),
      rule("proxy", "core", "nodes"),
      rule("*", "core", "nodes/configz nodes/healthz nodes/log nodes/metrics nodes/pods nodes/proxy nodes/stats"),
    ],
  },
  {
    name: "system:monitoring",
    rules: [urls("get", `${health} /healthz/* /livez/* /readyz/* /metrics /metrics/slis`)],
  },
  {
    name: "system:node-problem-detector",
    rules: [rule("get", "core", "nodes"), rule("patch", "core", "nodes/status"), events],
  },
  {
    name: "system:persistent-volume-provisioner",
    rules: [
      rule(`${read} create delete`, "core", "persistentvolumes"),
      rule(`${read} update`, "core", "persistentvolumeclaims"),
      rule(read, "storage.k8s.io", "storageclasses"),
      rule("watch", "core", "events"),
      events,
    ],
  },
];

const nodes: readonly DefaultRole[] = [
  // Bound to nobody: the node authorizer gives each node what is its own.
  {
    name: "system:node",
    rules: [
      rule("create", "authentication.k8s.io", "tokenreviews"),
      rule("create", "authorization.k8s.io", "localsubjectaccessreviews subjectaccessreviews"),
      rule(read, "core", "services"),
      rule(`${read} create patch update`, "core", "nodes"),
      rule("patch update", "core", "nodes/status"),
      rule("create patch update", "core", "events"),
      rule(`${read} create delete`, "core", "pods"),
      rule("patch update", "core", "pods/status"),
      rule("create", "core", "pods/eviction"),
      rule(read, "core", "configmaps secrets"),
      rule("get", "core", "persistentvolumeclaims persistentvolumes"),
      rule("get", "core", "endpoints"),
      rule(`${read} create`, certificates, csr),
      rule("create delete get patch update", "coordination.k8s.io", "leases"),
      rule("get", "storage.k8s.io", "volumeattachments"),
      rule("create", "core", "serviceaccounts/token"),
      rule("get patch update", "core", "persistentvolumeclaims/status"),
      rule(read, "storage.k8s.io", "csidrivers"),
      rule("create delete get patch update", "storage.k8s.io", "csinodes"),
      rule(read, "node.k8s.io", "runtimeclasses"),
    ],
  },
  { name: "system:node-bootstrapper", rules: [rule(`${read} create`, certificates, csr)] },
  {
    name: "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
    rules: [rule("create", certificates, `${csr}/nodeclient`)],
  },
  {
    name: "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
    rules: [rule("create", certificates, `${csr}/selfnodeclient`)],
  },
  {
    name: "system:sauropod:node-certificates",
    rules: [rule("create", certificates, `${csr}/selfnodeserver ${csr}/proxyclient`)],
  },
  {
    name: "system:node-proxier",
    rules: [
      rule("list watch", "core", "endpoints services"),
      rule(read, "core", "nodes"),
      events,
      rule("list watch", "discovery.k8s.io", "endpointslices"),
      rule("list watch", "networking.k8s.io", "servicecidrs"),
    ],
  },
  {
    // Network policies select pods and namespaces; its own Lease is the proxy authorizer's.
    name: "system:sauropod:node-proxy",
    rules: [
      rule(read, "core", "endpoints namespaces pods services"),
      rule(read, "discovery.k8s.io", "endpointslices"),
      rule(read, "networking.k8s.io", "networkpolicies"),
      rule(`${read} create`, certificates, csr),
      rule("create", certificates, `${csr}/selfproxyclient`),
    ],
  },
];

const controlPlane: readonly DefaultRole[] = [
  {
    name: "system:kube-controller-manager",
    rules: [
      events,
      ...leader("kube-controller-manager"),
      rule("create update", "core", "secrets serviceaccounts"),
      rule("delete", "core", "secrets"),
      rule("get", "core", "configmaps namespaces secrets serviceaccounts"),
      ...reviews,
      rule("list watch", "*", "*"),
      rule("create", "core", "serviceaccounts/token"),
    ],
  },
  {
    name: "system:kube-scheduler",
    rules: [
      events,
      ...leader("kube-scheduler"),
      rule(read, "core", "nodes"),
      rule(`${read} delete`, "core", "pods"),
      rule("create", "core", "bindings pods/binding"),
      rule("patch update", "core", "pods/status"),
      rule(read, "core", "replicationcontrollers services"),
      rule(read, "apps extensions", "replicasets"),
      rule(read, "apps", "statefulsets"),
      rule(read, "policy", "poddisruptionbudgets"),
      rule(read, "core", "persistentvolumeclaims persistentvolumes"),
      ...reviews,
      rule(read, "storage.k8s.io", "csinodes"),
      rule(read, "core", "namespaces"),
      rule(read, "storage.k8s.io", "csidrivers"),
      rule(read, "storage.k8s.io", "csistoragecapacities"),
      rule(read, "resource.k8s.io", "deviceclasses resourceclaims resourceslices"),
    ],
  },
  {
    name: "system:volume-scheduler",
    rules: [
      rule(`${read} patch update`, "core", "persistentvolumes"),
      rule(read, "storage.k8s.io", "storageclasses"),
      rule(`${read} patch update`, "core", "persistentvolumeclaims"),
    ],
  },
];

/** In one namespace only. */
const namespaced: readonly DefaultRole[] = [
  {
    name: "extension-apiserver-authentication-reader",
    namespace: "kube-system",
    rules: [rule(read, "core", "configmaps", ["extension-apiserver-authentication"])],
  },
  {
    // What a host that is not a node yet needs to know.
    name: "system:sauropod:settings-reader",
    namespace: settingsMap.namespace,
    rules: [rule("get", "core", "configmaps", [settingsMap.name])],
  },
  {
    // Who is asked about names outside of the cluster.
    name: "system:sauropod:dns-settings-reader",
    namespace: "kube-system",
    rules: [rule("get", "core", "configmaps", ["kube-dns"])],
  },
];

export const componentRoles: readonly DefaultRole[] = [
  ...everybody,
  ...optional,
  ...nodes,
  ...controlPlane,
  ...namespaced,
];

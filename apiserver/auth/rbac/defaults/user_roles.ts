/** The ClusterRoles for people: cluster-admin, admin, edit and view (bootstrappolicy/policy.go, ClusterRoles). */
import { type DefaultRole, read, rule, urls, write } from "./rule.ts";

const scaled = "replicasets replicasets/scale";
const workloads = `daemonsets deployments deployments/scale ${scaled} statefulsets statefulsets/scale`;
const oldKinds =
  `daemonsets deployments deployments/scale ingresses networkpolicies ${scaled} replicationcontrollers/scale`;
const connected = "pods/attach pods/exec pods/portforward pods/proxy";

export const userRoles: readonly DefaultRole[] = [
  { name: "cluster-admin", rules: [rule("*", "*", "*"), urls("*", "*")] },
  { name: "admin", rules: [], aggregates: "admin" },
  { name: "edit", rules: [], aggregates: "edit", aggregateTo: "admin" },
  { name: "view", rules: [], aggregates: "view", aggregateTo: "edit" },
  {
    name: "system:aggregate-to-admin",
    aggregateTo: "admin",
    rules: [
      rule("create", "authorization.k8s.io", "localsubjectaccessreviews"),
      rule(`${read} ${write}`, "rbac.authorization.k8s.io", "roles rolebindings"),
    ],
  },
  {
    name: "system:aggregate-to-edit",
    aggregateTo: "edit",
    rules: [
      // Seeing secrets and getting into pods are no powers of a viewer: they give those of other accounts.
      rule(read, "core", `${connected} secrets services/proxy`),
      rule("impersonate", "core", "serviceaccounts"),
      rule(write, "core", `pods ${connected}`),
      rule("create", "core", "pods/eviction"),
      rule(
        write,
        "core",
        "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets " +
          "serviceaccounts services services/proxy",
      ),
      rule("create", "core", "serviceaccounts/token"),
      rule(write, "apps", `${workloads} deployments/rollback`),
      rule(write, "autoscaling", "horizontalpodautoscalers"),
      rule(write, "batch", "cronjobs jobs"),
      rule(write, "extensions", `${oldKinds} deployments/rollback`),
      rule(write, "policy", "poddisruptionbudgets"),
      rule(write, "networking.k8s.io", "ingresses networkpolicies"),
      rule(`${read} ${write}`, "coordination.k8s.io", "leases"),
      rule(write, "resource.k8s.io", "resourceclaims resourceclaimtemplates"),
    ],
  },
  {
    name: "system:aggregate-to-view",
    aggregateTo: "view",
    rules: [
      rule(
        read,
        "core",
        "configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers " +
          "replicationcontrollers/scale serviceaccounts services services/status",
      ),
      rule(
        read,
        "core",
        "bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status " +
          "resourcequotas resourcequotas/status",
      ),
      // In a namespace that means this namespace.
      rule(read, "core", "namespaces"),
      rule(read, "discovery.k8s.io", "endpointslices"),
      rule(
        read,
        "apps",
        `controllerrevisions ${workloads} daemonsets/status deployments/status replicasets/status statefulsets/status`,
      ),
      rule(read, "autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
      rule(read, "batch", "cronjobs cronjobs/status jobs jobs/status"),
      rule(read, "extensions", `${oldKinds} daemonsets/status deployments/status ingresses/status replicasets/status`),
      rule(read, "policy", "poddisruptionbudgets poddisruptionbudgets/status"),
      rule(read, "networking.k8s.io", "ingresses ingresses/status networkpolicies"),
      rule(read, "resource.k8s.io", "resourceclaims resourceclaims/status resourceclaimtemplates"),
    ],
  },
  // As metrics-server's manifests have it: whoever may see pods may see what they use.
  {
    name: "system:aggregated-metrics-reader",
    aggregateTo: "view",
    rules: [rule(read, "metrics.k8s.io", "nodes pods")],
  },
];

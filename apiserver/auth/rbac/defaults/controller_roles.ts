/**
 * One role for each controller, `system:controller:<name>` (bootstrappolicy/controller_policy.go), and what the controllers of this
 * cluster need that Kubernetes' don't have. Each is bound to the user of the same name, which only this process can be.
 */
import { settingsMap } from "../../../../lib/join/settings.ts";
import type { PolicyRule } from "../../../../lib/types/rbac_v1.ts";
import { type DefaultRole, events, read, rule } from "./rule.ts";

const csr = "certificatesigningrequests";
const certificates = "certificates.k8s.io";
const everything = "create delete get list patch update watch";

/** Kubernetes' own. */
const kubernetes: Readonly<Record<string, readonly PolicyRule[]>> = {
  "attachdetach-controller": [
    rule("list watch", "core", "persistentvolumes persistentvolumeclaims pods"),
    rule(read, "core", "nodes"),
    rule("patch update", "core", "nodes/status"),
    rule(`${read} create delete`, "storage.k8s.io", "volumeattachments"),
    rule(read, "storage.k8s.io", "csidrivers csinodes"),
  ],
  // It must be able to give to roles whatever other roles have.
  "clusterrole-aggregation-controller": [
    rule(`escalate ${read} patch update`, "rbac.authorization.k8s.io", "clusterroles"),
  ],
  "cronjob-controller": [
    rule(`${read} update`, "batch", "cronjobs"),
    rule(everything, "batch", "jobs"),
    rule("update", "batch", "cronjobs/status cronjobs/finalizers"),
    rule("list watch delete", "core", "pods"),
  ],
  "daemon-set-controller": [
    rule(read, "apps extensions", "daemonsets"),
    rule("update", "apps extensions", "daemonsets/status daemonsets/finalizers"),
    rule("list watch", "core", "nodes"),
    rule("create delete list patch watch", "core", "pods"),
    rule("create", "core", "pods/binding"),
    rule(everything, "apps", "controllerrevisions"),
  ],
  "deployment-controller": [
    rule(`${read} update`, "apps extensions", "deployments"),
    rule("update", "apps extensions", "deployments/status deployments/finalizers"),
    rule(everything, "apps extensions", "replicasets"),
    rule(`${read} update`, "core", "pods"),
  ],
  "disruption-controller": [
    rule(read, "apps extensions", "deployments replicasets"),
    rule(read, "core", "replicationcontrollers"),
    rule(read, "policy", "poddisruptionbudgets"),
    rule(read, "apps", "statefulsets"),
    rule("update", "policy", "poddisruptionbudgets/status"),
    rule("patch update", "core", "pods/status"),
    rule("get", "*", "*/scale"),
  ],
  "endpoint-controller": [
    rule(read, "core", "pods services"),
    rule(`${read} create delete update`, "core", "endpoints"),
    rule("create", "core", "endpoints/restricted"),
  ],
  "endpointslice-controller": [
    rule(read, "core", "nodes pods services"),
    rule("update", "core", "services/finalizers"),
    rule(`${read} create delete update`, "discovery.k8s.io", "endpointslices"),
  ],
  "endpointslicemirroring-controller": [
    rule(read, "core", "endpoints services"),
    rule("update", "core", "endpoints/finalizers services/finalizers"),
    rule(`${read} create delete update`, "discovery.k8s.io", "endpointslices"),
  ],
  "ephemeral-volume-controller": [
    rule(read, "core", "pods"),
    rule("update", "core", "pods/finalizers"),
    rule(`${read} create`, "core", "persistentvolumeclaims"),
  ],
  "expand-controller": [
    rule(`${read} patch update`, "core", "persistentvolumes"),
    rule("patch update", "core", "persistentvolumeclaims/status"),
    rule(read, "core", "persistentvolumeclaims"),
  ],
  "generic-garbage-collector": [rule(`${read} delete patch update`, "*", "*")],
  "horizontal-pod-autoscaler": [
    rule(read, "autoscaling", "horizontalpodautoscalers"),
    rule("update", "autoscaling", "horizontalpodautoscalers/status"),
    rule("get update", "*", "*/scale"),
    rule("list watch", "core metrics.k8s.io", "pods"),
    rule(read, "custom.metrics.k8s.io external.metrics.k8s.io", "*"),
  ],
  "job-controller": [
    rule(`${read} patch update`, "batch", "jobs"),
    rule("update", "batch", "jobs/status jobs/finalizers"),
    rule("create delete list patch watch", "core", "pods"),
  ],
  "namespace-controller": [
    rule(`${read} delete`, "core", "namespaces"),
    rule("update", "core", "namespaces/finalize namespaces/status"),
    rule(`${read} delete deletecollection`, "*", "*"),
  ],
  "node-controller": [
    rule(`${read} delete patch update`, "core", "nodes"),
    rule("patch update", "core", "nodes/status pods/status"),
    rule(`${read} delete`, "core", "pods"),
  ],
  "persistent-volume-binder": [
    rule(`${read} create delete update`, "core", "persistentvolumes"),
    rule("update", "core", "persistentvolumes/status persistentvolumeclaims/status"),
    rule(`${read} update`, "core", "persistentvolumeclaims"),
    rule(`${read} create delete`, "core", "pods"),
    rule(read, "storage.k8s.io", "storageclasses"),
    rule("list watch", "core", "nodes"),
    rule("watch", "core", "events"),
  ],
  "pod-garbage-collector": [
    rule("list watch delete", "core", "pods"),
    rule(read, "core", "nodes"),
    rule("patch", "core", "pods/status"),
  ],
  "pv-protection-controller": [rule(`${read} update`, "core", "persistentvolumes")],
  "pvc-protection-controller": [rule(`${read} update`, "core", "persistentvolumeclaims"), rule(read, "core", "pods")],
  "replicaset-controller": [
    rule(`${read} update`, "apps extensions", "replicasets"),
    rule("update", "apps extensions", "replicasets/status replicasets/finalizers"),
    rule("create delete list patch watch", "core", "pods"),
  ],
  "replication-controller": [
    rule(`${read} update`, "core", "replicationcontrollers"),
    rule("update", "core", "replicationcontrollers/status replicationcontrollers/finalizers"),
    rule("create delete list patch watch", "core", "pods"),
  ],
  // It counts whatever a quota names.
  "resourcequota-controller": [rule("list watch", "*", "*"), rule("update", "core", "resourcequotas/status")],
  "root-ca-cert-publisher": [rule("create update", "core", "configmaps")],
  "route-controller": [rule("list watch", "core", "nodes"), rule("patch", "core", "nodes/status")],
  "service-account-controller": [rule("create", "core", "serviceaccounts")],
  "service-cidrs-controller": [
    rule(`${read} patch update`, "networking.k8s.io", "servicecidrs"),
    rule("patch update", "networking.k8s.io", "servicecidrs/finalizers servicecidrs/status"),
    rule(read, "networking.k8s.io", "ipaddresses"),
  ],
  "service-controller": [
    rule(read, "core", "services"),
    rule("patch update", "core", "services/status"),
    rule("list watch", "core", "nodes"),
  ],
  "statefulset-controller": [
    rule(everything, "core", "pods"),
    rule(read, "apps", "statefulsets"),
    rule("update", "apps", "statefulsets/status statefulsets/finalizers"),
    rule(everything, "apps", "controllerrevisions"),
    rule(`${read} create delete update`, "core", "persistentvolumeclaims"),
    rule("update", "core", "pods/finalizers"),
  ],
  "ttl-after-finished-controller": [rule(`${read} delete`, "batch", "jobs")],
  "volumeattributesclass-protection-controller": [
    rule(read, "core", "persistentvolumeclaims persistentvolumes"),
    rule(`${read} update`, "storage.k8s.io", "volumeattributesclasses"),
  ],
};

/** Those of this cluster only: what Kubernetes has in other places, or not at all. */
const ours: Readonly<Record<string, readonly PolicyRule[]>> = {
  "shared-informers": [rule("list watch", "*", "*")],
  "system-namespaces": [rule("create", "core", "namespaces")],
  "kubernetes-service": [
    rule("create get update", "core", "services endpoints"),
    rule("create get update", "discovery.k8s.io", "endpointslices"),
    rule("delete", "coordination.k8s.io", "leases"),
  ],
  "default-service-cidr": [rule("create", "networking.k8s.io", "servicecidrs")],
  "service-address-controller": [rule("create delete", "networking.k8s.io", "ipaddresses")],
  "certificate-approver": [
    rule("update", certificates, `${csr}/approval`),
    rule("approve", certificates, "signers", [
      "kubernetes.io/kube-apiserver-client-kubelet",
      "kubernetes.io/kubelet-serving",
      "dev.sauropod/proxy-client",
    ]),
  ],
  "certificate-signer": [
    rule("update", certificates, `${csr}/status`),
    rule("sign", certificates, "signers", [
      "kubernetes.io/kube-apiserver-client",
      "kubernetes.io/kube-apiserver-client-kubelet",
      "kubernetes.io/kubelet-serving",
      "dev.sauropod/proxy-client",
    ]),
  ],
  "certificate-cleaner": [rule(`${read} delete`, certificates, csr)],
  "token-controller": [rule("create delete get update", "core", "secrets"), rule("get", "core", "serviceaccounts")],
  "node-ipam-controller": [rule("patch", "core", "nodes")],
  "taint-eviction-controller": [
    rule(`${read} delete`, "core", "pods"),
    rule("patch", "core", "pods/status"),
    rule("get", "core", "nodes"),
  ],
  "pod-draining-controller": [rule("patch", "core", "pods/status")],
  "load-balancer-controller": [rule("patch", "core", "services/status")],
  "event-ttl-controller": [rule("list delete", "core", "events")],
};

const inKubeSystem: Readonly<Record<string, readonly PolicyRule[]>> = {
  "cluster-settings": [
    rule("create", "core", "configmaps"),
    rule("get update", "core", "configmaps", [settingsMap.name]),
  ],
  "token-cleaner": [rule(`${read} delete`, "core", "secrets")],
};

const rolesOf = (of: Readonly<Record<string, readonly PolicyRule[]>>, namespace?: string): DefaultRole[] =>
  Object.entries(of).map(([name, rules]) => ({ name: `system:controller:${name}`, namespace, rules }));

/** All may record Events: those of the controllers that have a Role only, in its namespace. */
export const controllerRoles: readonly DefaultRole[] = [
  ...rolesOf(kubernetes),
  ...rolesOf(ours),
  ...rolesOf(inKubeSystem, "kube-system"),
].map((role) => ({ ...role, rules: [...role.rules, events] }));

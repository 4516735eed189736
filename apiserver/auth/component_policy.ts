/**
 * What each component of the cluster may do, and what anybody may. The rules are those of Kubernetes' default roles
 * (plugin/pkg/auth/authorizer/rbac/bootstrappolicy/policy.go), by user or group.
 */
import { settingsMap } from "../../lib/join/settings.ts";
import { proxiesGroup } from "../../lib/join/signers.ts";
import type { PolicyRule } from "./rules.ts";

const read = ["get", "list", "watch"];

const rule = (apiGroups: string[], resources: string[], verbs: string[]): PolicyRule => ({
  apiGroups,
  resources,
  verbs,
});

const events = rule(["", "events.k8s.io"], ["events"], ["create", "patch", "update"]);
const discovery: PolicyRule = {
  nonResourceURLs: [
    "/api",
    "/api/*",
    "/apis",
    "/apis/*",
    "/openapi",
    "/openapi/*",
    "/healthz",
    "/livez",
    "/readyz",
    "/version",
    "/version/",
  ],
  verbs: ["get"],
};

export interface Policy {
  /** A user, or a group that it must be in. */
  subject: string;
  /** Where the rules hold; everywhere when absent. */
  namespace?: string;
  rules: readonly PolicyRule[];
}

/** In no order: what any of them allows is allowed. */
export const componentPolicies: readonly Policy[] = [
  {
    subject: "system:unauthenticated",
    rules: [{
      nonResourceURLs: ["/healthz", "/livez", "/livez/*", "/readyz", "/readyz/*", "/version", "/version/"],
      verbs: ["get"],
    }],
  },
  {
    subject: "system:authenticated",
    rules: [{ ...discovery, nonResourceURLs: [...discovery.nonResourceURLs!, "/livez/*", "/readyz/*"] }],
  },
  {
    // What a host that is not a node yet may do: ask for the certificate of one (ClusterRole system:node-bootstrapper).
    subject: "system:bootstrappers",
    rules: [
      rule(["certificates.k8s.io"], ["certificatesigningrequests"], ["create", ...read]),
      rule(["certificates.k8s.io"], ["certificatesigningrequests/nodeclient"], ["create"]),
    ],
  },
  {
    subject: "system:bootstrappers",
    namespace: settingsMap.namespace,
    rules: [{ ...rule([""], ["configmaps"], ["get"]), resourceNames: [settingsMap.name] }],
  },
  {
    // Everything else about nodes is the node authorizer's.
    subject: "system:nodes",
    rules: [
      rule(["certificates.k8s.io"], [
        "certificatesigningrequests/selfnodeclient",
        "certificatesigningrequests/selfnodeserver",
        "certificatesigningrequests/proxyclient",
      ], ["create"]),
    ],
  },
  {
    subject: proxiesGroup,
    rules: [
      rule([""], ["services", "endpoints", "nodes", "namespaces", "pods"], read),
      rule(["discovery.k8s.io"], ["endpointslices"], read),
      rule(["networking.k8s.io"], ["networkpolicies"], read),
      rule(["certificates.k8s.io"], ["certificatesigningrequests"], ["create", ...read]),
      rule(["certificates.k8s.io"], ["certificatesigningrequests/selfproxyclient"], ["create"]),
      events,
    ],
  },
  {
    // The control loops of this process: garbage collection and namespace deletion reach every kind. A role for each of them
    // comes with RBAC.
    subject: "system:controllers",
    rules: [rule(["*"], ["*"], ["*"]), discovery],
  },
  {
    subject: "system:kube-controller-manager",
    rules: [rule(["coordination.k8s.io"], ["leases"], ["get", "create", "update"])],
  },
  {
    subject: "system:kube-scheduler",
    rules: [
      rule([""], [
        "nodes",
        "namespaces",
        "services",
        "replicationcontrollers",
        "persistentvolumes",
        "persistentvolumeclaims",
      ], read),
      rule([""], ["pods"], [...read, "delete"]),
      rule([""], ["pods/binding", "bindings"], ["create"]),
      rule([""], ["pods/status"], ["patch", "update"]),
      rule(["apps"], ["replicasets", "statefulsets"], read),
      rule(["policy"], ["poddisruptionbudgets"], read),
      rule(["storage.k8s.io"], ["*"], read),
      rule(["coordination.k8s.io"], ["leases"], ["get", "create", "update"]),
      events,
    ],
  },
];

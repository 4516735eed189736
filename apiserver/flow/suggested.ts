/**
 * The flow schemas and priority levels that a cluster begins with (k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap/default.go). The
 * mandatory ones stay as they are; the suggested ones are the administrator's to change.
 */
import type {
  FlowSchemaSpec,
  NonResourcePolicyRule,
  PriorityLevelConfigurationSpec,
  ResourcePolicyRule,
  Subject,
} from "../../lib/types/flowcontrol_v1.ts";
import { mandatoryFlowSchemas, mandatoryPriorityLevels } from "../registry/flowcontrol/mandatory.ts";

export { mandatoryFlowSchemas, mandatoryPriorityLevels };

const user = (name: string): Subject => ({ kind: "User", user: { name } });
const group = (name: string): Subject => ({ kind: "Group", group: { name } });
const kubeSystem = (name: string): Subject => ({
  kind: "ServiceAccount",
  serviceAccount: { name, namespace: "kube-system" },
});

const anyone = [group("system:unauthenticated"), group("system:authenticated")];
const anyResource: ResourcePolicyRule = {
  verbs: ["*"],
  apiGroups: ["*"],
  resources: ["*"],
  namespaces: ["*"],
  clusterScope: true,
};
const anyPath: NonResourcePolicyRule = { verbs: ["*"], nonResourceURLs: ["*"] };

const inNamespaces = (verbs: string[], apiGroup: string, resources: string[]): ResourcePolicyRule => ({
  verbs,
  apiGroups: [apiGroup],
  resources,
  namespaces: ["*"],
});

interface Told {
  level: string;
  precedence: number;
  by?: "ByUser" | "ByNamespace";
  subjects: Subject[];
  resources?: ResourcePolicyRule[];
  paths?: NonResourcePolicyRule[];
}

const schema = ({ level, precedence, by, subjects, resources, paths }: Told): FlowSchemaSpec => ({
  priorityLevelConfiguration: { name: level },
  matchingPrecedence: precedence,
  ...(by === undefined ? {} : { distinguisherMethod: { type: by } }),
  rules: [{
    subjects,
    ...(resources === undefined ? {} : { resourceRules: resources }),
    ...(paths === undefined ? {} : { nonResourceRules: paths }),
  }],
});

const everything = { resources: [anyResource], paths: [anyPath] };
const elections = [inNamespaces(["get", "create", "update"], "coordination.k8s.io", ["leases"])];

export const suggestedFlowSchemas: Readonly<Record<string, FlowSchemaSpec>> = {
  probes: schema({
    level: "exempt",
    precedence: 2,
    subjects: anyone,
    paths: [{ verbs: ["get"], nonResourceURLs: ["/healthz", "/readyz", "/livez"] }],
  }),
  "system-leader-election": schema({
    level: "leader-election",
    precedence: 100,
    by: "ByUser",
    subjects: [user("system:kube-controller-manager"), user("system:kube-scheduler"), kubeSystem("*")],
    resources: elections,
  }),
  "endpoint-controller": schema({
    level: "workload-high",
    precedence: 150,
    by: "ByUser",
    subjects: [
      user("system:kube-controller-manager"),
      kubeSystem("endpoint-controller"),
      kubeSystem(
        "endpointslicemirroring-controller",
      ),
    ],
    resources: [inNamespaces(["get", "create", "update"], "", ["endpoints"])],
  }),
  "workload-leader-election": schema({
    level: "leader-election",
    precedence: 200,
    by: "ByUser",
    subjects: [kubeSystem("*")],
    resources: elections,
  }),
  "system-node-high": schema({
    level: "node-high",
    precedence: 400,
    by: "ByUser",
    subjects: [group("system:nodes")],
    resources: [
      { ...inNamespaces(["*"], "", ["nodes", "nodes/status"]), clusterScope: true },
      inNamespaces(["*"], "coordination.k8s.io", ["leases"]),
    ],
  }),
  "system-nodes": schema({
    level: "system",
    precedence: 500,
    by: "ByUser",
    subjects: [group("system:nodes")],
    ...everything,
  }),
  "kube-controller-manager": schema({
    level: "workload-high",
    precedence: 800,
    by: "ByNamespace",
    subjects: [user("system:kube-controller-manager")],
    ...everything,
  }),
  "kube-scheduler": schema({
    level: "workload-high",
    precedence: 800,
    by: "ByNamespace",
    subjects: [user("system:kube-scheduler")],
    ...everything,
  }),
  "kube-system-service-accounts": schema({
    level: "workload-high",
    precedence: 900,
    by: "ByNamespace",
    subjects: [kubeSystem("*")],
    ...everything,
  }),
  "service-accounts": schema({
    level: "workload-low",
    precedence: 9000,
    by: "ByUser",
    subjects: [group("system:serviceaccounts")],
    ...everything,
  }),
  "global-default": schema({
    level: "global-default",
    precedence: 9900,
    by: "ByUser",
    subjects: anyone,
    ...everything,
  }),
};

const level = (shares: number, lendable: number, queues: number, handSize: number): PriorityLevelConfigurationSpec => ({
  type: "Limited",
  limited: {
    nominalConcurrencyShares: shares,
    lendablePercent: lendable,
    limitResponse: { type: "Queue", queuing: { queues, handSize, queueLengthLimit: 50 } },
  },
});

export const suggestedPriorityLevels: Readonly<Record<string, PriorityLevelConfigurationSpec>> = {
  system: level(30, 33, 64, 6),
  "node-high": level(40, 25, 64, 6),
  "leader-election": level(10, 0, 16, 4),
  "workload-high": level(40, 50, 128, 6),
  "workload-low": level(100, 90, 128, 6),
  "global-default": level(20, 50, 128, 6),
};

/**
 * What a stock cluster of 1.36 makes of the least that each kind may be created with, as `kubectl create -o yaml` shows it without metadata.
 * Written by hand, from upstream's defaulting and strategies: a default that is missing, or that nobody has upstream, shows.
 */
import assert from "assert";
import { deepEqual } from "../../lib/patch/equal.ts";
import { adminToken, createSecured } from "../../tests/harness/secured.ts";
import { resources } from "./mod.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

interface Case {
  /** `group/version/plural`, `v1/pods`. */
  path: string;
  given?: Loose;
  /** All but apiVersion, kind and metadata. */
  expected: Loose;
  /** Picked by the server: not compared. */
  picked?: readonly string[];
}

const labels = { app: "a" };
const selector = { matchLabels: labels };
const container = {
  name: "c",
  image: "i",
  imagePullPolicy: "Always",
  resources: {},
  terminationMessagePath: "/dev/termination-log",
  terminationMessagePolicy: "File",
};
const podSpec = {
  containers: [container],
  dnsPolicy: "ClusterFirst",
  restartPolicy: "Always",
  schedulerName: "default-scheduler",
  securityContext: {},
  terminationGracePeriodSeconds: 30,
};
const given = { metadata: { labels }, spec: { containers: [{ name: "c", image: "i" }] } };
const template = { metadata: { labels }, spec: podSpec };
const onceSpec = { ...podSpec, restartPolicy: "Never" };
const once = { spec: { ...given.spec, restartPolicy: "Never" } };
const jobSpec = {
  backoffLimit: 6,
  completionMode: "NonIndexed",
  completions: 1,
  manualSelector: false,
  parallelism: 1,
  podReplacementPolicy: "TerminatingOrFailed",
  suspend: false,
};

const cases: readonly Case[] = [
  { path: "v1/configmaps", expected: {} },
  {
    path: "v1/endpoints",
    given: { subsets: [{ addresses: [{ ip: "192.0.2.1" }], ports: [{ port: 1 }] }] },
    expected: {
      subsets: [{ addresses: [{ ip: "192.0.2.1" }], ports: [{ port: 1, protocol: "TCP" }] }],
    },
  },
  {
    path: "v1/limitranges",
    given: { spec: { limits: [{ type: "Container", max: { cpu: "2", memory: "1Gi" }, min: { cpu: "1" } }] } },
    expected: {
      spec: {
        limits: [{
          type: "Container",
          max: { cpu: "2", memory: "1Gi" },
          min: { cpu: "1" },
          default: { cpu: "2", memory: "1Gi" },
          defaultRequest: { cpu: "2", memory: "1Gi" },
        }],
      },
    },
  },
  { path: "v1/namespaces", expected: { spec: { finalizers: ["kubernetes"] }, status: { phase: "Active" } } },
  {
    path: "v1/persistentvolumeclaims",
    given: { spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } } } },
    expected: {
      spec: {
        accessModes: ["ReadWriteOnce"],
        resources: { requests: { storage: "1Gi" } },
        volumeMode: "Filesystem",
      },
      status: { phase: "Pending" },
    },
  },
  {
    path: "v1/persistentvolumes",
    given: { spec: { accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" }, hostPath: { path: "/x" } } },
    expected: {
      spec: {
        accessModes: ["ReadWriteOnce"],
        capacity: { storage: "1Gi" },
        hostPath: { path: "/x", type: "" },
        persistentVolumeReclaimPolicy: "Retain",
        volumeMode: "Filesystem",
      },
      status: { phase: "Pending" },
    },
    picked: ["status.lastPhaseTransitionTime"],
  },
  {
    path: "v1/pods",
    given: { spec: { ...given.spec, automountServiceAccountToken: false } },
    expected: {
      spec: {
        ...podSpec,
        automountServiceAccountToken: false,
        enableServiceLinks: true,
        preemptionPolicy: "PreemptLowerPriority",
        priority: 0,
        serviceAccount: "default",
        serviceAccountName: "default",
        tolerations: ["not-ready", "unreachable"].map((key) => ({
          key: `node.kubernetes.io/${key}`,
          operator: "Exists",
          effect: "NoExecute",
          tolerationSeconds: 300,
        })),
      },
      status: { phase: "Pending", qosClass: "BestEffort" },
    },
  },
  { path: "v1/podtemplates", given: { template: given }, expected: { template } },
  {
    path: "v1/replicationcontrollers",
    given: { spec: { template: given } },
    expected: { spec: { replicas: 1, selector: labels, template }, status: { replicas: 0 } },
  },
  { path: "v1/resourcequotas", given: { spec: {} }, expected: { spec: {}, status: {} } },
  { path: "v1/secrets", expected: { type: "Opaque" } },
  { path: "v1/serviceaccounts", expected: {} },
  {
    path: "v1/services",
    given: { spec: { ports: [{ port: 80 }] } },
    expected: {
      spec: {
        internalTrafficPolicy: "Cluster",
        ipFamilies: ["IPv4"],
        ipFamilyPolicy: "SingleStack",
        ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
        sessionAffinity: "None",
        type: "ClusterIP",
      },
      status: { loadBalancer: {} },
    },
    picked: ["spec.clusterIP", "spec.clusterIPs"],
  },
  {
    path: "apps/v1/daemonsets",
    given: { spec: { selector, template: given } },
    expected: {
      spec: {
        revisionHistoryLimit: 10,
        selector,
        template,
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } },
      },
      status: { currentNumberScheduled: 0, desiredNumberScheduled: 0, numberMisscheduled: 0, numberReady: 0 },
    },
  },
  {
    path: "apps/v1/deployments",
    given: { spec: { selector, template: given } },
    expected: {
      spec: {
        progressDeadlineSeconds: 600,
        replicas: 1,
        revisionHistoryLimit: 10,
        selector,
        strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
        template,
      },
      status: {},
    },
  },
  {
    path: "apps/v1/replicasets",
    given: { spec: { selector, template: given } },
    expected: { spec: { replicas: 1, selector, template }, status: { replicas: 0 } },
  },
  {
    path: "apps/v1/statefulsets",
    given: { spec: { selector, serviceName: "s", template: given } },
    expected: {
      spec: {
        persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
        podManagementPolicy: "OrderedReady",
        replicas: 1,
        revisionHistoryLimit: 10,
        selector,
        serviceName: "s",
        template,
        updateStrategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1, partition: 0 } },
      },
      status: { availableReplicas: 0, replicas: 0 },
    },
  },
  {
    path: "apps/v1/controllerrevisions",
    given: { data: { a: 1 }, revision: 1 },
    expected: { data: { a: 1 }, revision: 1 },
  },
  {
    path: "autoscaling/v2/horizontalpodautoscalers",
    given: { spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "d" } } },
    expected: {
      spec: {
        maxReplicas: 3,
        metrics: [{
          type: "Resource",
          resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } },
        }],
        minReplicas: 1,
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "d" },
      },
      status: { currentMetrics: null, desiredReplicas: 0 },
    },
  },
  {
    path: "autoscaling/v1/horizontalpodautoscalers",
    given: { spec: { maxReplicas: 3, scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "d" } } },
    expected: {
      spec: {
        maxReplicas: 3,
        minReplicas: 1,
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "d" },
        targetCPUUtilizationPercentage: 80,
      },
      status: { currentReplicas: 0, desiredReplicas: 0 },
    },
  },
  {
    path: "batch/v1/cronjobs",
    given: { spec: { schedule: "* * * * *", jobTemplate: { spec: { template: once } } } },
    expected: {
      spec: {
        concurrencyPolicy: "Allow",
        failedJobsHistoryLimit: 1,
        jobTemplate: { metadata: {}, spec: { template: { metadata: {}, spec: onceSpec } } },
        schedule: "* * * * *",
        successfulJobsHistoryLimit: 3,
        suspend: false,
      },
      status: {},
    },
  },
  {
    path: "batch/v1/jobs",
    given: { spec: { template: once } },
    expected: { spec: { ...jobSpec, template: { spec: onceSpec } }, status: {} },
    picked: ["spec.selector", "spec.template.metadata"],
  },
  { path: "coordination.k8s.io/v1/leases", given: { spec: {} }, expected: { spec: {} } },
  {
    path: "discovery.k8s.io/v1/endpointslices",
    given: { addressType: "IPv4", endpoints: [{ addresses: ["192.0.2.1"] }], ports: [{ port: 1 }] },
    expected: {
      addressType: "IPv4",
      // Go shows `conditions: {}`, too: docs/compatibility.md.
      endpoints: [{ addresses: ["192.0.2.1"] }],
      ports: [{ name: "", port: 1, protocol: "TCP" }],
    },
  },
  {
    path: "flowcontrol.apiserver.k8s.io/v1/flowschemas",
    given: { spec: { priorityLevelConfiguration: { name: "global-default" } } },
    expected: {
      spec: { matchingPrecedence: 1000, priorityLevelConfiguration: { name: "global-default" } },
      status: {},
    },
  },
  {
    path: "flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations",
    given: { spec: { type: "Limited", limited: { limitResponse: { type: "Queue", queuing: {} } } } },
    expected: {
      spec: {
        type: "Limited",
        limited: {
          lendablePercent: 0,
          limitResponse: { type: "Queue", queuing: { handSize: 8, queueLengthLimit: 50, queues: 64 } },
          nominalConcurrencyShares: 30,
        },
      },
      status: {},
    },
  },
  {
    path: "networking.k8s.io/v1/ingressclasses",
    given: { spec: { controller: "x.io/y" } },
    expected: {
      spec: { controller: "x.io/y" },
    },
  },
  {
    path: "networking.k8s.io/v1/ingresses",
    given: { spec: { defaultBackend: { service: { name: "s", port: { number: 1 } } } } },
    expected: {
      spec: { defaultBackend: { service: { name: "s", port: { number: 1 } } } },
      status: { loadBalancer: {} },
    },
  },
  {
    path: "networking.k8s.io/v1/networkpolicies",
    given: { spec: { podSelector: {}, egress: [{ ports: [{ port: 1 }] }] } },
    expected: {
      spec: {
        podSelector: {},
        egress: [{ ports: [{ port: 1, protocol: "TCP" }] }],
        policyTypes: ["Ingress", "Egress"],
      },
    },
  },
  { path: "node.k8s.io/v1/runtimeclasses", given: { handler: "h" }, expected: { handler: "h" } },
  {
    path: "policy/v1/poddisruptionbudgets",
    given: { spec: { minAvailable: 1, selector } },
    expected: {
      spec: { minAvailable: 1, selector },
      status: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 },
    },
  },
  {
    path: "rbac.authorization.k8s.io/v1/clusterrolebindings",
    given: { roleRef: { kind: "ClusterRole", name: "view" }, subjects: [{ kind: "User", name: "u" }] },
    expected: {
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "u" }],
    },
  },
  { path: "rbac.authorization.k8s.io/v1/clusterroles", given: { rules: [] }, expected: { rules: null } },
  {
    path: "rbac.authorization.k8s.io/v1/rolebindings",
    given: {
      roleRef: { kind: "ClusterRole", name: "view" },
      subjects: [{ kind: "ServiceAccount", name: "s", namespace: "n" }],
    },
    expected: {
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "view" },
      subjects: [{ kind: "ServiceAccount", name: "s", namespace: "n" }],
    },
  },
  { path: "rbac.authorization.k8s.io/v1/roles", given: { rules: [] }, expected: { rules: null } },
  {
    path: "scheduling.k8s.io/v1/priorityclasses",
    given: { value: 1 },
    expected: {
      preemptionPolicy: "PreemptLowerPriority",
      value: 1,
    },
  },
  {
    path: "storage.k8s.io/v1/csidrivers",
    given: { spec: {} },
    expected: {
      spec: {
        attachRequired: true,
        fsGroupPolicy: "ReadWriteOnceWithFSType",
        podInfoOnMount: false,
        requiresRepublish: false,
        seLinuxMount: false,
        storageCapacity: false,
        volumeLifecycleModes: ["Persistent"],
      },
    },
  },
  { path: "storage.k8s.io/v1/csinodes", given: { spec: { drivers: [] } }, expected: { spec: { drivers: null } } },
  {
    path: "storage.k8s.io/v1/storageclasses",
    given: { provisioner: "x.io/y" },
    expected: { provisioner: "x.io/y", reclaimPolicy: "Delete", volumeBindingMode: "Immediate" },
  },
  {
    path: "storage.k8s.io/v1/csistoragecapacities",
    given: { storageClassName: "s" },
    expected: { storageClassName: "s" },
  },
  {
    path: "storage.k8s.io/v1/volumeattachments",
    given: { spec: { attacher: "x.io", nodeName: "n", source: { persistentVolumeName: "p" } } },
    expected: {
      spec: { attacher: "x.io", nodeName: "n", source: { persistentVolumeName: "p" } },
      status: { attached: false },
    },
  },
];

/** Kinds of which nothing is created with a default of its own, or that others make. */
const elsewhere = new Set([
  "v1/bindings",
  "v1/events",
  "v1/nodes",
  "events.k8s.io/v1/events",
  "certificates.k8s.io/v1/certificatesigningrequests",
  "networking.k8s.io/v1/ipaddresses",
  "networking.k8s.io/v1/servicecidrs",
  "storage.k8s.io/v1/volumeattributesclasses",
]);

const pathOf = ({ group, version, plural }: { group: string; version: string; plural: string }) =>
  `${group === "" ? "" : `${group}/`}${version}/${plural}`;

/** Takes what the server picks out of the answer. It must be there. */
function without(object: Loose, picked: readonly string[]): Loose {
  for (const path of picked) {
    const names = path.split(".");
    const parent = names.slice(0, -1).reduce((at, name) => at[name], object);
    assert.ok(parent[names.at(-1)!] !== undefined, `${path} is picked`);
    delete parent[names.at(-1)!];
  }
  return object;
}

/** `null` in an expectation stands for what Go writes and what a list that is not there is alike. */
const sameAs = (expected: Loose, made: Loose): boolean => deepEqual(absent(expected), absent(made));

function absent(value: Loose): Loose {
  if (Array.isArray(value)) return value.map(absent);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([, member]) =>
    member !== null && !(Array.isArray(member) && member.length === 0)
  );
  return Object.fromEntries(kept.map(([key, member]) => [key, absent(member)]));
}

Deno.test("the least that each kind may be created with gets the defaults of a stock cluster of 1.36, and no others", async (t) => {
  const secured = await createSecured();
  const headers = { authorization: `Bearer ${adminToken}` };
  await secured.as(
    null,
    "POST",
    "/api/v1/namespaces/default/serviceaccounts",
    { metadata: { name: "default" } },
    headers,
  );
  for (const { path, given: body = {}, expected, picked = [] } of cases) {
    await t.step(path, async () => {
      const resource = resources.find((one) => pathOf(one) === path)!;
      assert.ok(resource !== undefined, "it is served");
      const root = resource.group === "" ? `/api/${resource.version}` : `/apis/${resource.group}/${resource.version}`;
      const url = `${root}${resource.namespaced ? "/namespaces/default" : ""}/${resource.plural}?dryRun=All`;
      const { metadata, ...rest } = body;
      const answer = await secured.as(null, "POST", url, { metadata: { ...metadata, name: "a" }, ...rest }, headers);
      assert.equal(answer.status, 201, JSON.stringify(answer.body));
      const { apiVersion: _, kind: __, metadata: ___, ...made } = answer.body as Loose;
      without(made, picked);
      if (!sameAs(expected, made)) assert.deepEqual(absent(made), absent(expected));
    });
  }
  await secured.close();
});

Deno.test("every kind has its line among the documented defaults, or is made by others", () => {
  const listed = new Set([...cases.map(({ path }) => path), ...elsewhere]);
  const missing = resources.map(pathOf).filter((path) => !listed.has(path));
  assert.deepEqual(missing, []);
});

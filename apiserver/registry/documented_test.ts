/**
 * Every kind that is served, against what a stock cluster of 1.36 says of it: `kubectl api-resources -o wide`, the subresources of
 * discovery, and the columns of `kubectl get` (those of `-o wide` in brackets). Written by hand, so that a slip in a declaration shows.
 */
import assert from "assert";
import { type Answer } from "../../tests/harness/rest.ts";
import { createSecured, type Secured, someone } from "../../tests/harness/secured.ts";
import { resources } from "./mod.ts";

// deno-lint-ignore no-explicit-any
type Loose = any;

const all = "create,delete,deletecollection,get,list,patch,update,watch";
const status = "status:get,patch,update";
const scale = "scale:get,patch,update";
const proxy = "proxy:create,delete,get,patch,update";
const template = "[Containers] [Images] [Selector]";

/** `name singular short,names categories scope verbs`, `-` for nothing; the kind; subresources; columns, `_` for a space in one. */
type Row = readonly [line: string, kind: string, subresources?: string, columns?: string];

const core: readonly Row[] = [
  ["bindings binding - - ns create", "Binding"],
  ["componentstatuses componentstatus cs - cluster get,list", "ComponentStatus", "", "Name Status Message Error"],
  [`configmaps configmap cm - ns ${all}`, "ConfigMap", "", "Name Data Age"],
  [`endpoints endpoints ep - ns ${all}`, "Endpoints", "", "Name Endpoints Age"],
  [
    `events event ev - ns ${all}`,
    "Event",
    "",
    "Last_Seen Type Reason Object [Subobject] [Source] Message [First_Seen] [Count] [Name]",
  ],
  [`limitranges limitrange limits - ns ${all}`, "LimitRange", "", "Name Created_At"],
  [
    "namespaces namespace ns - cluster create,delete,get,list,patch,update,watch",
    "Namespace",
    `finalize:update ${status}`,
    "Name Status Age",
  ],
  [
    `nodes node no - cluster ${all}`,
    "Node",
    `${proxy} ${status}`,
    "Name Status Roles Age Version [Internal-IP] [External-IP] [OS-Image] [Kernel-Version] [Container-Runtime]",
  ],
  [
    `persistentvolumeclaims persistentvolumeclaim pvc - ns ${all}`,
    "PersistentVolumeClaim",
    status,
    "Name Status Volume Capacity Access_Modes StorageClass VolumeAttributesClass Age [VolumeMode]",
  ],
  [
    `persistentvolumes persistentvolume pv - cluster ${all}`,
    "PersistentVolume",
    status,
    "Name Capacity Access_Modes Reclaim_Policy Status Claim StorageClass VolumeAttributesClass Reason Age [VolumeMode]",
  ],
  [
    `pods pod po all ns ${all}`,
    "Pod",
    "attach:create,get binding:create ephemeralcontainers:get,patch,update eviction:create exec:create,get log:get " +
    `portforward:create,get ${proxy} resize:get,patch,update ${status}`,
    "Name Ready Status Restarts Age [IP] [Node] [Nominated_Node] [Readiness_Gates]",
  ],
  [`podtemplates podtemplate - - ns ${all}`, "PodTemplate", "", "Name Containers Images Pod_Labels"],
  [
    `replicationcontrollers replicationcontroller rc all ns ${all}`,
    "ReplicationController",
    `${scale} ${status}`,
    `Name Desired Current Ready Age ${template}`,
  ],
  [`resourcequotas resourcequota quota - ns ${all}`, "ResourceQuota", status, "Name Request Limit Age"],
  [`secrets secret - - ns ${all}`, "Secret", "", "Name Type Data Age"],
  [`serviceaccounts serviceaccount sa - ns ${all}`, "ServiceAccount", "token:create", "Name Secrets Age"],
  [
    `services service svc all ns ${all}`,
    "Service",
    `${proxy} ${status}`,
    "Name Type Cluster-IP External-IP Port(s) Age [Selector]",
  ],
];

const storage: readonly Row[] = [
  [
    `csidrivers csidriver - - cluster ${all}`,
    "CSIDriver",
    "",
    "Name AttachRequired PodInfoOnMount StorageCapacity TokenRequests RequiresRepublish Modes Age",
  ],
  [`csinodes csinode - - cluster ${all}`, "CSINode", "", "Name Drivers Age"],
  [`csistoragecapacities csistoragecapacity - - ns ${all}`, "CSIStorageCapacity", "", "Name StorageClassName Capacity"],
  [
    `storageclasses storageclass sc - cluster ${all}`,
    "StorageClass",
    "",
    "Name Provisioner ReclaimPolicy VolumeBindingMode AllowVolumeExpansion Age",
  ],
  [
    `volumeattachments volumeattachment - - cluster ${all}`,
    "VolumeAttachment",
    status,
    "Name Attacher PV Node Attached Age",
  ],
  [
    `volumeattributesclasses volumeattributesclass vac - cluster ${all}`,
    "VolumeAttributesClass",
    "",
    "Name DriverName Age",
  ],
];

const autoscaler: Row = [
  `horizontalpodautoscalers horizontalpodautoscaler hpa all ns ${all}`,
  "HorizontalPodAutoscaler",
  status,
  "Name Reference Targets MinPods MaxPods Replicas Age",
];
const bindingColumns = "Name Role Age [Users] [Groups] [ServiceAccounts]";

/** Groups in the order in which a stock cluster names them. */
const documented: readonly [groupVersion: string, rows: readonly Row[]][] = [
  ["v1", core],
  ["apps/v1", [
    [
      `controllerrevisions controllerrevision - - ns ${all}`,
      "ControllerRevision",
      "",
      "Name Controller Revision Age",
    ],
    [
      `daemonsets daemonset ds all ns ${all}`,
      "DaemonSet",
      status,
      `Name Desired Current Ready Up-to-date Available Node_Selector Age ${template}`,
    ],
    [
      `deployments deployment deploy all ns ${all}`,
      "Deployment",
      `${scale} ${status}`,
      `Name Ready Up-to-date Available Age ${template}`,
    ],
    [
      `replicasets replicaset rs all ns ${all}`,
      "ReplicaSet",
      `${scale} ${status}`,
      `Name Desired Current Ready Age ${template}`,
    ],
    [
      `statefulsets statefulset sts all ns ${all}`,
      "StatefulSet",
      `${scale} ${status}`,
      "Name Ready Age [Containers] [Images]",
    ],
  ]],
  ["events.k8s.io/v1", [core.find(([, kind]) => kind === "Event")!]],
  ["authentication.k8s.io/v1", [
    ["selfsubjectreviews selfsubjectreview - - cluster create", "SelfSubjectReview"],
    ["tokenreviews tokenreview - - cluster create", "TokenReview"],
  ]],
  ["authorization.k8s.io/v1", [
    ["localsubjectaccessreviews localsubjectaccessreview - - ns create", "LocalSubjectAccessReview"],
    ["selfsubjectaccessreviews selfsubjectaccessreview - - cluster create", "SelfSubjectAccessReview"],
    ["selfsubjectrulesreviews selfsubjectrulesreview - - cluster create", "SelfSubjectRulesReview"],
    ["subjectaccessreviews subjectaccessreview - - cluster create", "SubjectAccessReview"],
  ]],
  ["autoscaling/v2", [autoscaler]],
  ["autoscaling/v1", [autoscaler]],
  ["batch/v1", [
    [
      `cronjobs cronjob cj all ns ${all}`,
      "CronJob",
      status,
      `Name Schedule Timezone Suspend Active Last_Schedule Age ${template}`,
    ],
    [`jobs job - all ns ${all}`, "Job", status, `Name Status Completions Duration Age ${template}`],
  ]],
  ["certificates.k8s.io/v1", [[
    `certificatesigningrequests certificatesigningrequest csr - cluster ${all}`,
    "CertificateSigningRequest",
    `approval:get,patch,update ${status}`,
    "Name Age SignerName Requestor RequestedDuration Condition",
  ]]],
  ["networking.k8s.io/v1", [
    [`ingressclasses ingressclass - - cluster ${all}`, "IngressClass", "", "Name Controller Parameters Age"],
    [`ingresses ingress ing - ns ${all}`, "Ingress", status, "Name Class Hosts Address Ports Age"],
    [`ipaddresses ipaddress ip - cluster ${all}`, "IPAddress", "", "Name ParentRef Age"],
    [`networkpolicies networkpolicy netpol - ns ${all}`, "NetworkPolicy", "", "Name Pod-Selector Age"],
    [`servicecidrs servicecidr - - cluster ${all}`, "ServiceCIDR", status, "Name CIDRs Age"],
  ]],
  ["policy/v1", [[
    `poddisruptionbudgets poddisruptionbudget pdb - ns ${all}`,
    "PodDisruptionBudget",
    status,
    "Name Min_Available Max_Unavailable Allowed_Disruptions Age",
  ]]],
  ["rbac.authorization.k8s.io/v1", [
    [`clusterrolebindings clusterrolebinding - - cluster ${all}`, "ClusterRoleBinding", "", bindingColumns],
    [`clusterroles clusterrole - - cluster ${all}`, "ClusterRole", "", "Name Created_At"],
    [`rolebindings rolebinding - - ns ${all}`, "RoleBinding", "", bindingColumns],
    [`roles role - - ns ${all}`, "Role", "", "Name Created_At"],
  ]],
  ["storage.k8s.io/v1", storage],
  ["scheduling.k8s.io/v1", [[
    `priorityclasses priorityclass pc - cluster ${all}`,
    "PriorityClass",
    "",
    "Name Value Global-Default Age PreemptionPolicy",
  ]]],
  ["coordination.k8s.io/v1", [[`leases lease - - ns ${all}`, "Lease", "", "Name Holder Age"]]],
  ["node.k8s.io/v1", [[`runtimeclasses runtimeclass - - cluster ${all}`, "RuntimeClass", "", "Name Handler Age"]]],
  ["discovery.k8s.io/v1", [[
    `endpointslices endpointslice - - ns ${all}`,
    "EndpointSlice",
    "",
    "Name AddressType Ports Endpoints Age",
  ]]],
  ["flowcontrol.apiserver.k8s.io/v1", [
    [
      `flowschemas flowschema - - cluster ${all}`,
      "FlowSchema",
      status,
      "Name PriorityLevel MatchingPrecedence DistinguisherMethod Age MissingPL",
    ],
    [
      `prioritylevelconfigurations prioritylevelconfiguration - - cluster ${all}`,
      "PriorityLevelConfiguration",
      status,
      "Name Type NominalConcurrencyShares Queues HandSize QueueLengthLimit Age",
    ],
  ]],
];

/** Not in a stock cluster: what metrics-server adds to it. */
const added = ["metrics.k8s.io"];

const root = someone("root", "system:masters");

async function withServer(run: (server: Secured) => Promise<void>): Promise<void> {
  const server = await createSecured();
  try {
    await run(server);
  } finally {
    await server.close();
  }
}

const ask = (server: Secured, path: string, accept: string): Promise<Answer> =>
  server.as(root, "GET", path, undefined, { accept });

const some = (list: readonly string[] | undefined) => list === undefined ? "-" : list.join(",");
const groupOf = (groupVersion: string) => groupVersion.includes("/") ? groupVersion.split("/")[0]! : "";

/** One resource of a discovery document as a row's line, kind and subresources. */
function described(resource: Loose): string[] {
  const { resource: name, singularResource: singular, shortNames, categories, scope, verbs } = resource;
  const line = [
    name,
    singular,
    some(shortNames),
    some(categories),
    scope === "Namespaced" ? "ns" : "cluster",
    some(verbs),
  ];
  const subresources = (resource.subresources ?? []).map((sub: Loose) => `${sub.subresource}:${some(sub.verbs)}`);
  return [line.join(" "), resource.responseKind.kind, subresources.sort().join(" ")];
}

Deno.test("discovery names every kind as a stock cluster of 1.36 does", () =>
  withServer(async (server) => {
    const accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
    const documents = [await ask(server, "/api", accept), await ask(server, "/apis", accept)];
    const groups: Loose[] = documents.flatMap(({ body }) => body.items)
      .filter(({ metadata }) => !added.includes(metadata?.name));
    const served = groups.flatMap(({ metadata, versions }) =>
      versions.map((found: Loose) => [
        metadata?.name ? `${metadata.name}/${found.version}` : found.version,
        found.resources.map(described).sort(),
      ])
    );
    const wanted = documented.map(([groupVersion, rows]) => [
      groupVersion,
      rows.map(([line, kind, subresources = ""]) => [line, kind, subresources]).sort(),
    ]);
    const byName = (a: Loose, b: Loose) => a[0] < b[0] ? -1 : 1;
    assert.deepEqual(served.sort(byName), wanted.sort(byName));
  }));

Deno.test("`kubectl get` shows the columns of a stock cluster of 1.36", () =>
  withServer(async (server) => {
    const accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    for (const [groupVersion, rows] of documented) {
      for (const [line, kind, , columns] of rows) {
        if (columns === undefined) continue;
        const base = groupVersion === "v1" ? "/api/v1" : `/apis/${groupVersion}`;
        const { status, body, text } = await ask(server, `${base}/${line.split(" ")[0]}`, accept);
        assert.equal(status, 200, text);
        const shown = body.columnDefinitions.map(({ name, priority }: Loose) => {
          const word = name.replaceAll(" ", "_");
          return priority > 0 ? `[${word}]` : word;
        });
        assert.equal(shown.join(" "), columns, kind);
      }
    }
  }));

Deno.test("the registry lists the preferred version of a group first", () => {
  const versions = new Map<string, string[]>();
  for (const { group, version } of resources) {
    const known = versions.get(group) ?? [];
    versions.set(group, known.includes(version) ? known : [...known, version]);
  }
  assert.deepEqual(versions.get("autoscaling"), ["v2", "v1"]);
  const several = [...versions].filter(([, names]) => names.length > 1).map(([group]) => group);
  assert.deepEqual(
    several,
    documented.map(([name]) => groupOf(name)).filter((group, i, list) => list.indexOf(group) < i),
  );
});

Deno.test("a PUT asks for a resourceVersion, and creates, where it does in Kubernetes", () => {
  const named = (list: readonly typeof resources[number][]) =>
    [...new Set(list.map(({ plural, group }) => group === "" ? plural : `${plural}.${group}`))].sort();
  assert.deepEqual(named(resources.filter(({ unconditionalUpdate }) => !unconditionalUpdate)), [
    "csidrivers.storage.k8s.io",
    "csinodes.storage.k8s.io",
    "csistoragecapacities.storage.k8s.io",
    "leases.coordination.k8s.io",
    "poddisruptionbudgets.policy",
    "runtimeclasses.node.k8s.io",
    "volumeattachments.storage.k8s.io",
  ]);
  assert.deepEqual(named(resources.filter(({ createOnUpdate }) => createOnUpdate)), [
    "clusterrolebindings.rbac.authorization.k8s.io",
    "clusterroles.rbac.authorization.k8s.io",
    "endpoints",
    "events",
    "events.events.k8s.io",
    "leases.coordination.k8s.io",
    "limitranges",
    "rolebindings.rbac.authorization.k8s.io",
    "roles.rbac.authorization.k8s.io",
    "runtimeclasses.node.k8s.io",
    "services",
  ]);
});

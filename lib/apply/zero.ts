/**
 * What an object has before anybody says anything: the structs that are no pointers in Kubernetes' Go types, and the lists that are never
 * omitted. Who creates an object owns what it adds to that, and so no `.` of its `f:spec`.
 */
import type { Json } from "../patch/equal.ts";
import { type Definition, isAtomicStruct } from "../schema/schema.ts";

/** Fields that hold a struct itself, by Go's name of their type; `metadata`, `spec` and `status` of whole objects do, too. */
const held: Readonly<Record<string, readonly string[]>> = {
  CronJobSpec: ["jobTemplate"],
  DaemonSetSpec: ["template", "updateStrategy"],
  DeploymentSpec: ["strategy", "template"],
  Event: ["deprecatedSource", "source"],
  FlowSchemaSpec: ["priorityLevelConfiguration"],
  IngressStatus: ["loadBalancer"],
  JobSpec: ["template"],
  JobTemplateSpec: ["metadata", "spec"],
  NodeStatus: ["daemonEndpoints", "nodeInfo"],
  PersistentVolumeClaimSpec: ["resources"],
  PodTemplate: ["template"],
  PodTemplateSpec: ["metadata", "spec"],
  ReplicaSetSpec: ["template"],
  ServiceStatus: ["loadBalancer"],
  StatefulSetSpec: ["template", "updateStrategy"],
  VolumeAttachmentSpec: ["source"],
};

const ofWhole = ["metadata", "spec", "status"];
const made = new WeakMap<Definition, Json>();

/** Read-only. */
export function zeroObject(definition: Definition): Json {
  let zero = made.get(definition);
  // A custom resource has nothing that nobody has said.
  if (zero === undefined) made.set(definition, zero = definition.package === "unstructured" ? {} : zeroOf(definition));
  return zero;
}

function zeroOf(definition: Definition): Json {
  const zero: Json = {};
  const structs = [...definition.root ? ofWhole : [], ...held[definition.name] ?? []];
  for (const [name, field] of definition.fields) {
    if (field.type === "array" && field.required) zero[name] = [];
    else if (field.type === "struct" && structs.includes(name) && !isAtomicStruct(field)) {
      zero[name] = zeroOf(field.struct!);
    }
  }
  return zero;
}

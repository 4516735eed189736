/**
 * What a node's agent may do (plugin/pkg/auth/authorizer/node): read what the pods bound to it refer to, and write what is its own.
 * What a write may contain is for the admission plugin NodeRestriction. Unlike Kubernetes an agent reads all Nodes: it makes the
 * routes to their pods.
 */
import { settingsMap } from "../../lib/join/settings.ts";
import { nodeOfAgent } from "../../lib/join/signers.ts";
import type { Authorizer } from "./authorize.ts";
import type { NodeObjects, RelatedKind } from "./node_objects.ts";
import { type Access, type PolicyRule, ruleAllows } from "./rules.ts";

type Resource = NonNullable<Access["resource"]>;

/** Allowed, or why not. */
type Answer = true | string;

const read = ["get", "list", "watch"];
const rule = (apiGroups: string[], resources: string[], verbs: string[]): PolicyRule => ({
  apiGroups,
  resources,
  verbs,
});

/** What is the same for every node (plugin/pkg/auth/authorizer/rbac/bootstrappolicy, NodeRules). */
const nodeRules: readonly PolicyRule[] = [
  rule(["authentication.k8s.io"], ["tokenreviews"], ["create"]),
  rule(["authorization.k8s.io"], ["subjectaccessreviews", "localsubjectaccessreviews"], ["create"]),
  rule([""], ["services"], read),
  rule(["", "events.k8s.io"], ["events"], ["create", "patch", "update"]),
  rule(["certificates.k8s.io"], ["certificatesigningrequests"], ["create", ...read]),
  rule(["storage.k8s.io"], ["csidrivers"], read),
  rule(["node.k8s.io"], ["runtimeclasses"], read),
];

export function nodeAuthorizer(objects: Pick<NodeObjects, "relates">): Authorizer {
  return {
    name: "node",
    allows(user, access) {
      const node = nodeOfAgent(user);
      if (node === undefined) return false;
      const { resource } = access;
      if (resource !== undefined) {
        const answer = subdivided({ node, verb: access.verb, resource, objects });
        if (answer !== undefined) return answer;
      }
      return nodeRules.some((one) => ruleAllows(one, access));
    },
    rulesFor(user) {
      const isNode = nodeOfAgent(user) !== undefined;
      const errors = isNode ? ["node authorizer does not support user rule resolution"] : [];
      return { rules: [], errors, incomplete: isNode };
    },
  };
}

interface Question {
  node: string;
  verb: string;
  resource: Resource;
  objects: Pick<NodeObjects, "relates">;
}

/** `undefined` for kinds of which all nodes may do the same. */
function subdivided(question: Question): Answer | undefined {
  const { resource } = question;
  switch (`${resource.group}/${resource.name}`) {
    case "/secrets":
      return readOne(question, "secrets");
    case "/configmaps":
      return isSettings(question) || readOne(question, "configmaps");
    case "/persistentvolumeclaims":
      return resource.subresource === "status"
        ? updateStatus(question, "persistentvolumeclaims")
        : getOne(question, "persistentvolumeclaims");
    case "/persistentvolumes":
      return getOne(question, "persistentvolumes");
    case "/serviceaccounts":
      return serviceAccount(question);
    case "/nodes":
      return ownNode(question);
    case "/pods":
      return ownPods(question);
    case "coordination.k8s.io/leases":
      return lease(question);
    case "storage.k8s.io/csinodes":
      return csiNode(question);
    default:
      return undefined;
  }
}

function related({ node, resource, objects }: Question, kind: RelatedKind): Answer {
  const { namespace, object } = resource;
  if (object === undefined) return "No Object name found";
  if (objects.relates(node, kind, { namespace, name: object })) return true;
  return `no relationship found between node '${node}' and this object`;
}

function readOne(question: Question, kind: RelatedKind): Answer {
  const { verb, resource } = question;
  if (!read.includes(verb)) return "can only read resources of this type";
  if (resource.subresource !== undefined) return "cannot read subresource";
  if (resource.namespace === undefined) return "can only read namespaced object of this type";
  return related(question, kind);
}

function getOne(question: Question, kind: RelatedKind): Answer {
  if (question.verb !== "get") return "can only get individual resources of this type";
  if (question.resource.subresource !== undefined) return "cannot get subresource";
  return related(question, kind);
}

function updateStatus(question: Question, kind: RelatedKind): Answer {
  if (question.verb !== "update" && question.verb !== "patch") return "can only get/update/patch this type";
  return related(question, kind);
}

/** What every node may read of the cluster's own. */
function isSettings({ verb, resource: { namespace, object } }: Question): boolean {
  return verb === "get" && namespace === settingsMap.namespace && object === settingsMap.name;
}

function serviceAccount(question: Question): Answer {
  const { verb, resource } = question;
  if (verb === "get" && resource.subresource === undefined) return related(question, "serviceaccounts");
  if (verb !== "create" || resource.subresource !== "token") {
    return "can only create tokens for individual service accounts";
  }
  return related(question, "serviceaccounts");
}

function ownNode({ verb, resource: { subresource } }: Question): Answer {
  if (subresource === undefined && [...read, "create", "update", "patch"].includes(verb)) return true;
  if (subresource === "status" && (verb === "update" || verb === "patch")) return true;
  return "can only read nodes, and write its own Node and its status";
}

function ownPods(question: Question): Answer {
  const { verb, node, resource } = question;
  switch (resource.subresource) {
    case undefined:
      if (verb === "get") return related(question, "pods");
      if (verb === "create" || verb === "delete") return true;
      if (verb !== "list" && verb !== "watch") return "can only get, list, watch, create and delete pods";
      if (resource.selects?.("spec.nodeName") === node) return true;
      if (resource.object !== undefined && resource.namespace !== undefined) return related(question, "pods");
      return "can only list/watch pods with spec.nodeName field selector";
    case "status":
      return verb === "update" || verb === "patch" || "can only update and patch the status of pods";
    case "eviction":
      return verb === "create" || "can only create evictions";
    default:
      return `cannot access pods/${resource.subresource}`;
  }
}

const leaseVerbs = ["get", "create", "update", "patch", "delete"];

function lease({ verb, node, resource }: Question): Answer {
  if (!leaseVerbs.includes(verb)) return "can only get, create, update, patch, or delete a node lease";
  if (resource.namespace !== "kube-node-lease") {
    return 'can only access leases in the "kube-node-lease" system namespace';
  }
  // A create says no name in its path: NodeRestriction looks into the object.
  if (verb !== "create" && resource.object !== node) {
    return "can only access node lease with the same name as the requesting node";
  }
  return true;
}

function csiNode({ verb, node, resource }: Question): Answer {
  if (!leaseVerbs.includes(verb)) return "can only get, create, update, patch, or delete a CSINode";
  if (resource.subresource !== undefined) return "cannot authorize CSINode subresources";
  return verb === "create" || resource.object === node ||
    "can only access CSINode with the same name as the requesting node";
}

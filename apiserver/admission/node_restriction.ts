/**
 * What a node's agent may put into what it may write (plugin/pkg/admission/noderestriction): its own Node without the labels and
 * taints that decide what comes to it, its own pods' status, tokens for its own pods, its own Lease. One rule is ours: a Node keeps the
 * machine that it is, so two machines with credentials of one name don't take turns.
 */
import { proxyLeaseName, proxyLeaseNamespace } from "../../lib/draining.ts";
import { nodeClientSigner, nodeOfAgent, nodeOfProxy, nodeServingSigner } from "../../lib/join/signers.ts";
import type { KubeObject } from "../../lib/kind.ts";
import { deepEqual } from "../../lib/patch/equal.ts";
import { readRequest } from "../../lib/pki/request.ts";
import type { CertificateSigningRequest } from "../../lib/types/certificates_v1.ts";
import type { Node, PersistentVolumeClaim, Pod } from "../../lib/types/core_v1.ts";
import { forbidden } from "./forbidden.ts";
import { forbiddenLabels, modifiedLabels } from "./node_labels.ts";
import type { AdmissionPlugin, Attributes, Lookup } from "./plugin.ts";

const mirrorAnnotation = "kubernetes.io/config.mirror";
const leaseNamespace = "kube-node-lease";

export const nodeRestriction: AdmissionPlugin = {
  name: "NodeRestriction",
  validate(attributes: Attributes, lookup: Lookup) {
    const { resource, subresource } = attributes;
    const proxyNode = nodeOfProxy(attributes.user);
    if (proxyNode !== undefined && resource.plural === "leases") return writeProxyLease(attributes, proxyNode);
    const node = nodeOfAgent(attributes.user);
    if (node === undefined) return;
    switch (`${resource.group}/${resource.plural}${subresource === undefined ? "" : `/${subresource}`}`) {
      case "/pods":
        return writePod(attributes, node);
      case "/pods/status":
        return podStatus(attributes, node);
      case "/pods/eviction":
        return evictPod(attributes, node, lookup);
      case "/nodes":
      case "/nodes/status":
        return writeNode(attributes, node);
      case "/persistentvolumeclaims/status":
        return claimStatus(attributes);
      case "/serviceaccounts/token":
        return serviceAccountToken(attributes, node, lookup);
      case "coordination.k8s.io/leases":
        return writeLease(attributes, node);
      case "storage.k8s.io/csinodes":
        return writeCsiNode(attributes, node);
      case "certificates.k8s.io/certificatesigningrequests":
        return requestCertificate(attributes);
    }
  },
};

function writePod(attributes: Attributes, node: string): void {
  const { operation, old } = attributes;
  if (operation === "CREATE") return createMirror(attributes, node);
  if (operation !== "DELETE") {
    throw forbidden(
      attributes,
      `unexpected operation ${JSON.stringify(operation)}, node ${quote(node)} can only create and delete mirror pods`,
    );
  }
  if ((old as unknown as Pod | undefined)?.spec.nodeName === node) return;
  throw forbidden(attributes, `node ${quote(node)} can only delete pods with spec.nodeName set to itself`);
}

const quote = (text: string) => JSON.stringify(text);

function createMirror(attributes: Attributes, node: string): void {
  const pod = attributes.object as unknown as Pod;
  const { metadata, spec } = pod;
  const refuse = (why: string) => forbidden(attributes, why);
  if (metadata.annotations?.[mirrorAnnotation] === undefined) {
    throw refuse(`pod does not have "${mirrorAnnotation}" annotation, node ${quote(node)} can only create mirror pods`);
  }
  if (spec.nodeName !== node) throw refuse(`node ${quote(node)} can only create pods with spec.nodeName set to itself`);
  const owners = metadata.ownerReferences ?? [];
  if (owners.length !== 1) {
    throw refuse(`node ${quote(node)} can only create pods with a single owner reference set to itself`);
  }
  const [owner] = owners;
  if (owner!.apiVersion !== "v1" || owner!.kind !== "Node" || owner!.name !== node) {
    throw refuse(`node ${quote(node)} can only create pods with an owner reference set to itself`);
  }
  if (owner!.controller !== true) {
    throw refuse(`node ${quote(node)} can only create pods with a controller owner reference set to itself`);
  }
  if (owner!.blockOwnerDeletion === true) {
    throw refuse(`node ${quote(node)} must not set blockOwnerDeletion on an owner reference`);
  }
  if (spec.serviceAccountName) throw refuse(`node ${quote(node)} can not create pods that reference a service account`);
  const text = JSON.stringify(spec);
  for (const [field, what] of mirrorForbids) {
    if (text.includes(`"${field}":`)) throw refuse(`node ${quote(node)} can not create pods that reference ${what}`);
  }
}

/** Fields that name something else: a pod that its node made must not open that to the node. */
const mirrorForbids: readonly (readonly [string, string])[] = [
  ["secret", "secrets"],
  ["secretRef", "secrets"],
  ["secretKeyRef", "secrets"],
  ["imagePullSecrets", "secrets"],
  ["configMap", "configmaps"],
  ["configMapRef", "configmaps"],
  ["configMapKeyRef", "configmaps"],
  ["persistentVolumeClaim", "persistentvolumeclaims"],
  ["resourceClaims", "resourceclaims"],
];

function podStatus(attributes: Attributes, node: string): void {
  const { operation, object, old } = attributes;
  if (operation !== "UPDATE") throw forbidden(attributes, `unexpected operation ${JSON.stringify(operation)}`);
  if ((old as unknown as Pod).spec.nodeName !== node) {
    throw forbidden(
      attributes,
      `node ${quote(node)} can only update pod status for pods with spec.nodeName set to itself`,
    );
  }
  if (!deepEqual(object!.metadata.labels ?? {}, old!.metadata.labels ?? {})) {
    throw forbidden(attributes, `node ${quote(node)} cannot update labels through pod status`);
  }
  const claims = (pod: unknown) => (pod as Pod).status?.resourceClaimStatuses ?? [];
  if (!deepEqual(claims(object), claims(old))) {
    throw forbidden(attributes, `node ${quote(node)} cannot update resource claim statuses`);
  }
}

function evictPod(attributes: Attributes, node: string, lookup: Lookup): void {
  const pod = lookup.get<Pod & KubeObject>("pods", `${attributes.namespace}/${attributes.name}`);
  if (pod === undefined || pod.spec.nodeName === node) return;
  throw forbidden(attributes, `node ${quote(node)} can only evict pods with spec.nodeName set to itself`);
}

function writeNode(attributes: Attributes, node: string): void {
  const { operation, subresource, name } = attributes;
  const object = attributes.object as unknown as Node | undefined;
  const requested = name || object?.metadata.name;
  if (requested !== node) {
    throw forbidden(attributes, `node ${quote(node)} is not allowed to modify node ${quote(requested ?? "")}`);
  }
  if (operation === "CREATE") return createNode(attributes, node, object!);
  if (operation !== "UPDATE") return;
  const old = attributes.old as unknown as Node;
  if (subresource === "status") sameMachine(attributes, node, object!, old);
  const refuse = (what: string) => forbidden(attributes, `node ${quote(node)} is not allowed to modify ${what}`);
  if (!deepEqual(object!.metadata.ownerReferences ?? [], old.metadata.ownerReferences ?? [])) {
    throw refuse("ownerReferences");
  }
  if (!deepEqual(object!.spec?.taints ?? [], old.spec?.taints ?? [])) throw refuse("taints");
  const changed = modifiedLabels(object!.metadata.labels, old.metadata.labels);
  const wrong = forbiddenLabels(changed);
  if (wrong.length > 0) throw refuse(`labels: ${wrong.join(", ")}`);
}

function createNode(attributes: Attributes, node: string, { metadata, spec }: Node): void {
  if (spec?.configSource !== undefined) {
    throw forbidden(attributes, `node ${quote(node)} is not allowed to create pods with a non-nil configSource`);
  }
  const wrong = forbiddenLabels(modifiedLabels(metadata.labels, {}));
  if (wrong.length === 0) return;
  throw forbidden(attributes, `node ${quote(node)} is not allowed to set the following labels: ${wrong.join(", ")}`);
}

function sameMachine(attributes: Attributes, node: string, now: Node, old: Node): void {
  const [was, is] = [old.status?.nodeInfo?.machineID, now.status?.nodeInfo?.machineID];
  if (!was || !is || was === is) return;
  const at = (old.status.addresses ?? []).map(({ address }) => address).join(", ");
  throw forbidden(
    attributes,
    `node ${quote(node)} is the machine ${was} (${at}), and this is the machine ${is}: start this one with another ` +
      `--node-name, or, if that machine is gone for good, \`kubectl delete node ${node}\``,
  );
}

function claimStatus(attributes: Attributes): void {
  const [now, old] = [attributes.object, attributes.old] as unknown as PersistentVolumeClaim[];
  // A kubelet that has resized a file system says so; everything else is for controllers.
  const rest = (claim: PersistentVolumeClaim) => {
    const { capacity: _c, conditions: _d, allocatedResources: _a, allocatedResourceStatuses: _s, ...status } =
      claim.status;
    const { managedFields: _m, resourceVersion: _r, ...metadata } = claim.metadata;
    return { ...claim, metadata, status };
  };
  if (now !== undefined && old !== undefined && deepEqual(rest(now), rest(old))) return;
  throw forbidden(attributes, "node is not allowed to update fields other than status.quantity and status.conditions");
}

interface TokenRequestBody {
  spec?: { boundObjectRef?: { apiVersion?: string; kind?: string; name?: string; uid?: string } };
}

function serviceAccountToken(attributes: Attributes, node: string, lookup: Lookup): void {
  const ref = (attributes.object as unknown as TokenRequestBody | undefined)?.spec?.boundObjectRef;
  if (ref === undefined) throw forbidden(attributes, "node requested token not bound to a pod");
  if (ref.apiVersion !== "v1" || ref.kind !== "Pod" || !ref.name) {
    throw forbidden(attributes, "node requested token not bound to a pod");
  }
  if (!ref.uid) throw forbidden(attributes, "node requested token with a pod binding without a uid");
  const pod = lookup.get<Pod & KubeObject>("pods", `${attributes.namespace}/${ref.name}`);
  if (pod === undefined) throw forbidden(attributes, `pod ${quote(ref.name)} not found`);
  if (pod.metadata.uid !== ref.uid) {
    throw forbidden(
      attributes,
      `the UID in the bound object reference (${ref.uid}) does not match the UID in record. ` +
        "The object might have been deleted and then recreated",
    );
  }
  if (pod.spec.nodeName !== node) {
    throw forbidden(attributes, "node requested token bound to a pod scheduled on a different node");
  }
}

function writeLease(attributes: Attributes, node: string): void {
  const { namespace, name, object } = attributes;
  if (namespace !== leaseNamespace) {
    throw forbidden(attributes, `can only access leases in the ${quote(leaseNamespace)} system namespace`);
  }
  if ((object?.metadata.name ?? name) === node && (name === "" || name === node)) return;
  throw forbidden(attributes, "can only access node lease with the same name as the requesting node");
}

function writeProxyLease(attributes: Attributes, node: string): void {
  const { namespace, name, object } = attributes;
  const own = proxyLeaseName(node);
  if (namespace === proxyLeaseNamespace && (object?.metadata.name ?? name) === own) return;
  throw forbidden(
    attributes,
    `the proxy of node ${quote(node)} can only write the lease ${proxyLeaseNamespace}/${own}`,
  );
}

function writeCsiNode(attributes: Attributes, node: string): void {
  const { name, object } = attributes;
  if ((object?.metadata.name ?? name) === node) return;
  throw forbidden(attributes, "can only access CSINode with the same name as the requesting node");
}

function requestCertificate(attributes: Attributes): void {
  if (attributes.operation !== "CREATE") return;
  const { spec } = attributes.object as unknown as CertificateSigningRequest;
  if (spec.signerName !== nodeClientSigner && spec.signerName !== nodeServingSigner) return;
  let commonName: string;
  try {
    ({ commonName } = readRequest(atob(spec.request)));
  } catch (error) {
    throw forbidden(attributes, (error as Error).message);
  }
  if (commonName === attributes.user.name) return;
  throw forbidden(attributes, `can only create a node CSR with CN=${attributes.user.name}`);
}

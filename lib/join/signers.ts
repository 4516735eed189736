/** Who signs what: the signers' names, and the subjects of the certificates that a node has. Pure. */

export const nodeClientSigner = "kubernetes.io/kube-apiserver-client-kubelet";
export const nodeServingSigner = "kubernetes.io/kubelet-serving";
export const clientSigner = "kubernetes.io/kube-apiserver-client";
/** Ours: the client certificate of a node's proxy. */
export const proxyClientSigner = "dev.sauropod/proxy-client";

export const nodeUserPrefix = "system:node:";
export const nodesGroup = "system:nodes";
export const proxyUserPrefix = "system:node-proxy:";
export const proxiesGroup = "system:node-proxier";

/** Annotations of a CertificateSigningRequest: which machine asks, and where it is reached. */
export const machineAnnotation = "dev.sauropod/machine-id";
export const addressesAnnotation = "dev.sauropod/addresses";

/** The one name of a user in a group that is for one sort of component; `undefined` for others. */
function nameOf(user: User, prefix: string, group: string): string | undefined {
  if (!user.groups.includes(group) || !user.name.startsWith(prefix)) return undefined;
  const name = user.name.slice(prefix.length);
  return name === "" ? undefined : name;
}

interface User {
  readonly name: string;
  readonly groups: readonly string[];
}

/** The node whose agent the user is (k8s.io/kubernetes/pkg/auth/nodeidentifier). */
export function nodeOfAgent(user: User): string | undefined {
  return nameOf(user, nodeUserPrefix, nodesGroup);
}

/** The node whose proxy the user is. */
export function nodeOfProxy(user: User): string | undefined {
  return nameOf(user, proxyUserPrefix, proxiesGroup);
}

/** What an agent's serving certificate is for. */
export function servingNames(nodeName: string, nodeIp: string): string[] {
  return [...new Set([nodeName, nodeIp, "127.0.0.1"])];
}

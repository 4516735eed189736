/** Which labels a node may give itself (pkg/kubelet/apis/well_known_labels.go, noderestriction). Pure. */

const own = new Set([
  "kubernetes.io/hostname",
  "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region",
  "failure-domain.beta.kubernetes.io/zone",
  "failure-domain.beta.kubernetes.io/region",
  "node.kubernetes.io/instance-type",
  "beta.kubernetes.io/instance-type",
  "kubernetes.io/os",
  "kubernetes.io/arch",
  "beta.kubernetes.io/os",
  "beta.kubernetes.io/arch",
]);
const ownNamespaces = ["kubelet.kubernetes.io", "node.kubernetes.io"];

type Labels = Readonly<Record<string, string>> | undefined;

/** Keys that were added, removed or changed. */
export function modifiedLabels(now: Labels = {}, old: Labels = {}): string[] {
  return [...new Set([...Object.keys(now), ...Object.keys(old)])].filter((key) => now[key] !== old[key]).sort();
}

/** Those of the keys that only others may change: Kubernetes' own, but for the ones that kubelets set. */
export function forbiddenLabels(keys: readonly string[]): string[] {
  return keys.filter((key) => {
    const namespace = key.includes("/") ? key.slice(0, key.indexOf("/")) : "";
    const within = (domain: string) => namespace === domain || namespace.endsWith(`.${domain}`);
    if (within("node-restriction.kubernetes.io")) return true;
    if (!within("kubernetes.io") && !within("k8s.io")) return false;
    return !own.has(key) && !ownNamespaces.some(within);
  });
}

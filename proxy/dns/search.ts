/**
 * Search paths, walked here instead of by the client. A pod's resolver has `search NS.svc.DOMAIN svc.DOMAIN DOMAIN` and `ndots:5`, so for
 * `example.org` it asks for `example.org.NS.svc.DOMAIN` first and gets three times "no such name" before it asks the right question.
 * The first of these questions is recognised by who asks: only a pod of NS has that path. If it has no answer, the rest of the path is
 * tried here, and the answer is a CNAME to the name that was found. All not found: the answer is "no such name", as it would have been.
 * Pure.
 */

/** Who asks, as far as its resolv.conf depends on it. */
export interface Asker {
  readonly namespace: string;
  /** What follows the cluster's three domains: the host's, and the pod's own `dnsConfig.searches`. */
  readonly moreSearches: readonly string[];
}

/** Names to try after `name`, in order, when it is the first try of a search; `undefined` when it is not. In lower case. */
export function searchCandidates(name: string, asker: Asker, domain: string): string[] | undefined {
  const first = `.${asker.namespace}.svc.${domain}`;
  if (!name.endsWith(first)) return undefined;
  const base = name.slice(0, -first.length);
  if (base === "") return undefined;
  const candidates = [`svc.${domain}`, domain, ...asker.moreSearches].map((search) => `${base}.${search}`);
  // A single word is never asked of the world's servers.
  if (base.includes(".")) candidates.push(base);
  return [...new Set(candidates)].filter((candidate) => candidate !== name && candidate.length <= 253);
}

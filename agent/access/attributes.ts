/** What a request to the kubelet API asks for, in the words of its authorisation (kubelet: pkg/kubelet/server/auth.go). Pure. */

/** Of the resource `nodes`, by this node's name. Who may one of the subresources may ask. */
export interface Asked {
  /** Empty for methods that no verb stands for: only who may everything may ask that. */
  readonly verb: string;
  /** The finest first. */
  readonly subresources: readonly string[];
}

const verbs: Readonly<Record<string, string>> = {
  POST: "create",
  GET: "get",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

/** Those that KubeletFineGrainedAuthz took out of `nodes/proxy`, which still opens them. */
const fineGrained: readonly (readonly [path: string, subresource: string])[] = [
  ["/pods", "pods"],
  ["/runningpods", "pods"],
  ["/healthz", "healthz"],
  ["/configz", "configz"],
];

/** Those that `nodes/proxy` does not open. */
const separate: readonly (readonly [path: string, subresource: string])[] = [
  ["/stats", "stats"],
  ["/metrics", "metrics"],
  ["/logs", "log"],
  ["/checkpoint", "checkpoint"],
  ["/statusz", "statusz"],
  ["/flagz", "flagz"],
];

const isBelow = (path: string, parent: string) => path === parent || path.startsWith(`${parent}/`);

/** `path`: as `URL` has it, without its query. */
export function askedBy(method: string, path: string): Asked {
  const verb = verbs[method] ?? "";
  const own = separate.find(([parent]) => isBelow(path, parent));
  if (own !== undefined) return { verb, subresources: [own[1]] };
  const fine = fineGrained.find(([parent]) => isBelow(path, parent));
  return { verb, subresources: fine === undefined ? ["proxy"] : [fine[1], "proxy"] };
}

/**
 * Exec, attach and port-forward, whatever the path says. A WebSocket begins with GET; taking that for `get`, as the kubelet does, would let
 * everybody who may read through `nodes/proxy` run commands in every pod.
 */
export const streamAsked: Asked = { verb: "create", subresources: ["proxy"] };

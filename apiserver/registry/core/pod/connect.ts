/** Subresources that a pod's node answers, or the pod itself: log, exec, attach, portforward, proxy. */
import { statusError } from "../../../../lib/status.ts";
import type { Pod } from "../../../../lib/types/core_v1.ts";
import type { ConnectSubresource, ConnectTarget } from "../../../rest/resource.ts";
import { isGlobalUnicast, proxyPath, splitProxyName } from "../../meta/proxy_name.ts";
import { checkLogOptions } from "./log_options.ts";

const kind = (name: string) => ({ group: "", version: "v1", kind: name });

export const podConnections: Readonly<Record<string, ConnectSubresource<Pod>>> = {
  log: {
    do: "connect",
    verbs: ["get"],
    kind: kind("Pod"),
    locate(pod, query) {
      checkLogOptions(query, pod.metadata.name);
      return inContainer("containerLogs", pod, query);
    },
  },
  exec: {
    do: "connect",
    verbs: ["get", "create"],
    kind: kind("PodExecOptions"),
    locate: (pod, query) => inContainer("exec", pod, query),
  },
  attach: {
    do: "connect",
    verbs: ["get", "create"],
    kind: kind("PodAttachOptions"),
    locate: (pod, query) => inContainer("attach", pod, query),
  },
  portforward: {
    do: "connect",
    verbs: ["get", "create"],
    kind: kind("PodPortForwardOptions"),
    locate: (pod, query) => onNode(pod, `/portForward/${pod.metadata.namespace}/${pod.metadata.name}`, query),
  },
  proxy: {
    do: "connect",
    verbs: ["get", "create", "update", "patch", "delete"],
    kind: kind("PodProxyOptions"),
    nameIn: (id) => splitProxyName(id, "pod").name,
    locate: toPod,
  },
};

/** The client's query goes on as it is, but for the container, which stands in the path. */
function inContainer(stream: string, pod: Pod, query: URLSearchParams): ConnectTarget {
  const container = chooseContainer(pod, query.get("container") ?? "");
  const rest = new URLSearchParams(query);
  rest.delete("container");
  return onNode(pod, `/${stream}/${pod.metadata.namespace}/${pod.metadata.name}/${container}`, rest);
}

function onNode(pod: Pod, path: string, query: URLSearchParams): ConnectTarget {
  const node = pod.spec.nodeName;
  if (!node) throw statusError("BadRequest", `pod ${pod.metadata.name} does not have a host assigned`);
  const text = query.toString();
  return { to: "node", node, path: text === "" ? path : `${path}?${text}` };
}

/** The container that was asked for, or the only one (validateContainer). Throws BadRequest. */
export function chooseContainer({ spec, metadata }: Pod, asked: string): string {
  const all = [...spec.initContainers ?? [], ...spec.containers, ...spec.ephemeralContainers ?? []];
  const names = all.map(({ name }) => name);
  if (asked !== "") {
    if (names.includes(asked)) return asked;
    throw statusError("BadRequest", `container ${asked} is not valid for pod ${metadata.name}`);
  }
  if (spec.containers.length === 1) return spec.containers[0]!.name;
  const choice = names.length === 0 ? "" : `, choose one of: [${names.join(" ")}]`;
  throw statusError("BadRequest", `a container name must be specified for pod ${metadata.name}${choice}`);
}

/** Without a port, the first that the pod names; else that of the scheme. */
function toPod(pod: Pod, query: URLSearchParams, path: string, id: string): ConnectTarget {
  const asked = splitProxyName(id, "pod");
  const host = pod.status.podIPs?.[0]?.ip ?? "";
  if (!isGlobalUnicast(host)) throw statusError("BadRequest", "address not allowed");
  const scheme = asked.scheme || "http";
  const declared = pod.spec.containers.find(({ ports }) => (ports ?? []).length > 0)?.ports?.[0]?.containerPort;
  const port = asked.port === "" ? declared ?? (scheme === "https" ? 443 : 80) : Number(asked.port);
  if (!Number.isInteger(port) || port < 1 || port > 65535) {
    throw statusError("BadRequest", `invalid pod request ${JSON.stringify(id)}: the port must be a number`);
  }
  return { to: "address", host: host.includes(":") ? `[${host}]` : host, port, scheme, path: proxyPath(path, query) };
}

/**
 * `/proxy`: requests to a port of a Service. They go to its cluster IP, so the host of the API server needs a proxy;
 * Kubernetes picks an endpoint itself.
 */
import { statusError } from "../../../../lib/status.ts";
import type { Service } from "../../../../lib/types/core_v1.ts";
import type { ConnectSubresource, ConnectTarget } from "../../../rest/resource.ts";
import { proxyPath, splitProxyName } from "../../meta/proxy_name.ts";
import { isHeadless } from "./traits.ts";

export const serviceProxy: ConnectSubresource<Service> = {
  do: "connect",
  verbs: ["create", "delete", "get", "patch", "update"],
  kind: { group: "", version: "v1", kind: "ServiceProxyOptions" },
  nameIn: (id) => splitProxyName(id, "service").name,
  locate: toService,
};

/** The port is one of the Service's, by number or name; none is the one without a name. */
function toService(service: Service, query: URLSearchParams, path: string, id: string): ConnectTarget {
  const { scheme, port: asked, name } = splitProxyName(id, "service");
  const { ports = [], clusterIP = "" } = service.spec;
  const isNumber = /^[0-9]+$/.test(asked);
  const port = ports.find((port) => isNumber ? port.port === Number(asked) : (port.name ?? "") === asked);
  if (port === undefined && isNumber) {
    throw statusError("ServiceUnavailable", `no service port ${asked} found for service ${JSON.stringify(name)}`);
  }
  if (port === undefined || clusterIP === "" || isHeadless(service)) {
    throw statusError("ServiceUnavailable", `no endpoints available for service ${JSON.stringify(id)}`);
  }
  const host = clusterIP.includes(":") ? `[${clusterIP}]` : clusterIP;
  return { to: "address", host, port: port.port, scheme: scheme || "http", path: proxyPath(path, query) };
}

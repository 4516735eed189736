/** The variables that tell a container where Services are (k8s.io/kubernetes/pkg/kubelet/envvars). Pure. */
import type { Service } from "../../lib/types/core_v1.ts";

/** `my-svc` → `MY_SVC`. */
const shout = (name: string) => name.replaceAll("-", "_").toUpperCase();

const hasVirtualAddress = ({ spec }: Service) =>
  spec.clusterIP !== undefined && spec.clusterIP !== "" && spec.clusterIP !== "None";

/**
 * For a pod in `namespace`: the Services of that namespace when it wants links, and always the API server's own. Services without
 * a cluster IP have none.
 */
export function serviceEnv(
  services: Iterable<Service>,
  { namespace, links }: { namespace: string; links: boolean },
): Record<string, string> {
  const chosen = new Map<string, Service>();
  for (const service of services) {
    if (!hasVirtualAddress(service)) continue;
    const { name, namespace: where } = service.metadata;
    const master = where === "default" && name === "kubernetes";
    // One of the pod's own namespace comes before the API server's of the same name.
    if (where === namespace && (links || master)) chosen.set(name, service);
    else if (master && !chosen.has(name)) chosen.set(name, service);
  }
  const env: Record<string, string> = {};
  for (const name of [...chosen.keys()].sort()) Object.assign(env, variablesOf(chosen.get(name)!));
  return env;
}

function variablesOf(service: Service): Record<string, string> {
  const prefix = shout(service.metadata.name);
  const host = service.spec.clusterIP!;
  const address = host.includes(":") ? `[${host}]` : host;
  const env: Record<string, string> = { [`${prefix}_SERVICE_HOST`]: host };
  for (const [index, port] of (service.spec.ports ?? []).entries()) {
    const protocol = port.protocol ?? "TCP";
    const url = `${protocol.toLowerCase()}://${address}:${port.port}`;
    if (index === 0) {
      env[`${prefix}_SERVICE_PORT`] = String(port.port);
      env[`${prefix}_PORT`] = url;
    }
    if (port.name !== undefined && port.name !== "") {
      env[`${prefix}_SERVICE_PORT_${shout(port.name)}`] = String(port.port);
    }
    const link = `${prefix}_PORT_${port.port}_${protocol}`;
    env[link] = url;
    env[`${link}_PROTO`] = protocol.toLowerCase();
    env[`${link}_PORT`] = String(port.port);
    env[`${link}_ADDR`] = host;
  }
  return env;
}

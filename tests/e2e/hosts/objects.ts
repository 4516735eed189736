/** What runs in the cluster of hosts_test: servers, one idle pod per host to ask from, and Services of every sort. */
import type { Host } from "../../harness/lab/host.ts";
import { until } from "../../harness/lab/host.ts";
import type { ManyScene } from "../many_scenario.ts";

export const port = 8080;
/** Beyond the router: routed to a node by who wants to use it. */
export const externalIp = "198.51.100.7";

const text = (object: unknown) => `${JSON.stringify(object)}\n`;

interface ServerOptions {
  replicas?: number;
  /** The one host for it. */
  on?: Host;
}

function servers(name: string, { replicas = 1, on }: ServerOptions = {}): string {
  const labels = { app: name };
  const container = {
    name: "main",
    image: "localhost/web:1",
    imagePullPolicy: "IfNotPresent",
    ports: [{ containerPort: port, name: "http" }],
    readinessProbe: { tcpSocket: { port }, periodSeconds: 1 },
  };
  const nodeSelector = on === undefined ? undefined : { "kubernetes.io/hostname": on.name };
  return text({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: { terminationGracePeriodSeconds: 5, nodeSelector, containers: [container] },
      },
    },
  });
}

/** A pod that others are asked from: `ask-<host>`. */
export function asker(host: Host): string {
  return text({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: `ask-${host.name}`, labels: { app: "ask" } },
    spec: {
      nodeName: host.name,
      terminationGracePeriodSeconds: 0,
      containers: [{
        name: "main",
        image: "busybox:1.36",
        imagePullPolicy: "IfNotPresent",
        command: ["sleep", "infinity"],
      }],
    },
  });
}

export const tcp = (number: number) => ({ name: "http", port: number, targetPort: "http" });

export function service(name: string, app: string | undefined, spec: Record<string, unknown>): string {
  return text({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { ...(app === undefined ? {} : { selector: { app } }), ports: [tcp(80)], ...spec },
  });
}

export function objects({ hosts, lab }: ManyScene): string {
  const [, middle] = hosts;
  return [
    servers("web", { replicas: 3 }),
    servers("one", { on: middle }),
    ...hosts.map(asker),
    service("web", "web", {
      type: "NodePort",
      ports: [tcp(80), { name: "udp", protocol: "UDP", port: 80, targetPort: port }],
    }),
    service("web-headless", "web", { clusterIP: "None" }),
    service("web-local", "web", { type: "NodePort", externalTrafficPolicy: "Local" }),
    service("one", "one", { type: "NodePort" }),
    service("one-local", "one", { type: "NodePort", externalTrafficPolicy: "Local" }),
    service("one-inside", "one", { internalTrafficPolicy: "Local" }),
    service("sticky", "web", { type: "NodePort", sessionAffinity: "ClientIP" }),
    service("external", "web", { externalIPs: [externalIp], ports: [tcp(8081)] }),
    service("balanced", "web", { type: "LoadBalancer", ports: [tcp(8082)] }),
    service("balanced-local", "one", {
      type: "LoadBalancer",
      externalTrafficPolicy: "Local",
      ports: [tcp(8083)],
    }),
    service("guarded", "web", {
      type: "LoadBalancer",
      loadBalancerSourceRanges: ["192.0.2.0/24"],
      ports: [tcp(8084)],
    }),
    service("manual", undefined, { ports: [{ name: "http", port: 80, targetPort: port }] }),
    text({
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { name: "manual-1", labels: { "kubernetes.io/service-name": "manual" } },
      addressType: "IPv4",
      ports: [{ name: "http", protocol: "TCP", port }],
      endpoints: [{ addresses: [lab.clientIp()], conditions: { ready: true } }],
    }),
  ].join("");
}

export async function ready({ cluster }: ManyScene): Promise<void> {
  for (const name of ["web", "one"]) await cluster.ask(`rollout status deployment ${name} --timeout=90s`);
  await cluster.ask("wait --for=condition=Ready pod -l app=ask --timeout=60s");
}

/** Do `count` different pods answer when the host asks the Service's cluster IP? */
export async function endpointsWith({ cluster }: ManyScene, host: Host, name: string, count: number): Promise<boolean> {
  const { spec } = await cluster.json(`get service ${name}`);
  const url = `http://${spec.clusterIP}:${spec.ports[0].port}/?[1-${count}]`;
  // Each request a connection of its own: one connection goes to one pod.
  const { stdout } = await host.exec(["curl", "-s", "--max-time", "2", "-H", "Connection: close", url]);
  return new Set(stdout.split("\n").filter(Boolean).map((line) => line.split(" ")[0])).size === count;
}

export async function eventually(what: string, is: () => Promise<boolean>, timeoutMs = 20_000): Promise<void> {
  await until(timeoutMs, is, `not within ${timeoutMs / 1000} s: ${what}`);
}

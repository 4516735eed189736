/** The manifests that tests use most, as kubectl takes them on standard input. */

export interface DeploymentOptions {
  image: string;
  replicas?: number;
  /** Container port; a pod is Ready when it takes connections there. */
  port?: number;
  command?: readonly string[];
}

/** JSON, one object a line: kubectl reads any number of them. */
const text = (object: unknown) => `${JSON.stringify(object)}\n`;

/** A Deployment of pods labelled `app=<name>`, each of one container `main`. */
export function deployment(name: string, { image, replicas = 1, port, command }: DeploymentOptions): string {
  const labels = { app: name };
  const readinessProbe = { tcpSocket: { port }, periodSeconds: 1 };
  const container = {
    name: "main",
    image,
    command,
    imagePullPolicy: "IfNotPresent",
    ...(port === undefined ? {} : { ports: [{ containerPort: port }], readinessProbe }),
  };
  return text({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, labels },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { terminationGracePeriodSeconds: 5, containers: [container] } },
    },
  });
}

export interface ServiceOptions {
  /** `80:8080`, `9000:9000/UDP` */
  ports: readonly string[];
  type?: "ClusterIP" | "NodePort" | "LoadBalancer";
  /** `app=<app>`; the Service's own name when left out. */
  app?: string;
}

export function service(name: string, { ports, type = "ClusterIP", app = name }: ServiceOptions): string {
  return text({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: {
      type,
      selector: { app },
      ports: ports.map((one) => {
        const [numbers, protocol = "TCP"] = one.split("/");
        const [port, targetPort] = numbers!.split(":").map(Number);
        return { name: `p${port}-${protocol.toLowerCase()}`, port, targetPort, protocol };
      }),
    },
  });
}

/** A pod that does nothing until it is told to end. */
export function idlePod(name: string, image = "busybox:1.36"): string {
  return text({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: name } },
    spec: {
      terminationGracePeriodSeconds: 1,
      containers: [{ name: "main", image, imagePullPolicy: "IfNotPresent", command: ["sleep", "infinity"] }],
    },
  });
}

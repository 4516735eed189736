/** A cluster that things are done to: three pods behind a Service, what is looked at from every host, and a stopwatch. */
import assert from "assert";
import type { Host } from "../../harness/lab/host.ts";
import { until } from "../../harness/lab/host.ts";
import type { ManyScene } from "../many_scenario.ts";

/** Of the test; what is typical for a cluster follows from its own settings. s */
export const graceSeconds = 20;
export const tolerationSeconds = 5;

/** From the last heartbeat that is heard (10 s apart) to the last thing that follows from its absence, with a busy machine's reserve. ms */
export const noticedMs = (graceSeconds + 10 + tolerationSeconds + 20) * 1000;
export const healedMs = 60_000;

export interface Row {
  failure: string;
  what: string;
  /** How long it took, `2.1 s`, or how many. */
  value: string;
}

export interface Pod {
  name: string;
  uid: string;
  node: string;
  ready: boolean;
  deleting: boolean;
  restarts: number;
}

const port = 8080;

function deployment(name: string, replicas: number, affinity?: unknown): string {
  const labels = { app: name };
  const tolerations = ["unreachable", "not-ready"].map((key) => ({
    key: `node.kubernetes.io/${key}`,
    operator: "Exists",
    effect: "NoExecute",
    tolerationSeconds,
  }));
  const spread = {
    maxSkew: 1,
    topologyKey: "kubernetes.io/hostname",
    whenUnsatisfiable: "DoNotSchedule",
    labelSelector: { matchLabels: labels },
    // A host that is given up does not keep the others from taking its share.
    nodeTaintsPolicy: "Honor",
    matchLabelKeys: ["pod-template-hash"],
  };
  const container = {
    name: "main",
    image: "localhost/web:1",
    imagePullPolicy: "IfNotPresent",
    ports: [{ containerPort: port }],
    readinessProbe: { tcpSocket: { port }, periodSeconds: 1 },
  };
  return JSON.stringify({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          affinity,
          tolerations,
          topologySpreadConstraints: [spread],
          terminationGracePeriodSeconds: 5,
          containers: [container],
        },
      },
    },
  }) + "\n";
}

const service = (name: string) =>
  JSON.stringify({
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: { type: "NodePort", selector: { app: name }, ports: [{ port: 80, targetPort: port }] },
  }) + "\n";

export interface ServicePlace {
  ip: string;
  nodePort: number;
}

export class World {
  readonly rows: Row[] = [];
  #failure = "";
  #phase = "";
  #since = 0;

  private constructor(
    readonly scene: ManyScene,
    readonly web: ServicePlace,
    /** Its pods are on all hosts but the first. */
    readonly workers: ServicePlace,
  ) {}

  /** The host with the control plane, and the two others. Things happen to the last one. */
  get hosts(): readonly [Host, Host, Host] {
    return this.scene.hosts as readonly [Host, Host, Host];
  }

  static async prepare(scene: ManyScene): Promise<World> {
    const { cluster, hosts } = scene;
    const notFirst = { key: "kubernetes.io/hostname", operator: "NotIn", values: [hosts[0]!.name] };
    const affinity = {
      nodeAffinity: {
        requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [notFirst] }] },
      },
    };
    await cluster.ask("apply -f -", {
      stdin: deployment("web", 3) + service("web") + deployment("workers", 2, affinity) + service("workers"),
    });
    for (const name of ["web", "workers"]) await cluster.ask(`rollout status deployment ${name} --timeout=90s`);
    const placeOf = async (name: string): Promise<ServicePlace> => {
      const { spec } = await cluster.json(`get service ${name}`);
      return { ip: spec.clusterIP, nodePort: spec.ports[0].nodePort };
    };
    return new World(scene, await placeOf("web"), await placeOf("workers"));
  }

  begin(failure: string): void {
    this.#failure = failure;
  }

  /** From now on times are counted; `phase` is what has just been done. */
  start(phase: string): void {
    this.#phase = phase;
    this.#since = performance.now();
  }

  /** Waits until it is so, and notes how long after `start` that was. */
  async after(what: string, timeoutMs: number, is: () => Promise<boolean>): Promise<void> {
    await until(timeoutMs, is, () => `not within ${timeoutMs / 1000} s: ${what}\n${this.scene.many.log(20)}`);
    this.note(`${this.#phase}: ${what}`, `${((performance.now() - this.#since) / 1000).toFixed(1)} s`);
  }

  note(what: string, value: string): void {
    this.rows.push({ failure: this.#failure, what, value });
    // deno-lint-ignore no-console
    console.log(`    ${this.#failure}: ${what}: ${value}`);
  }

  async pods(app = "web"): Promise<Pod[]> {
    const { items } = await this.scene.cluster.json(`get pods -l app=${app}`);
    // deno-lint-ignore no-explicit-any
    return items.map(({ metadata, spec, status }: any) => ({
      name: metadata.name,
      uid: metadata.uid,
      node: spec.nodeName ?? "",
      // deno-lint-ignore no-explicit-any
      ready: (status.conditions ?? []).some(({ type, status }: any) => type === "Ready" && status === "True"),
      deleting: metadata.deletionTimestamp !== undefined,
      restarts: status.containerStatuses?.[0]?.restartCount ?? 0,
    }));
  }

  /** Three pods that stay, all ready. */
  async served(app = "web", count = 3): Promise<boolean> {
    const pods = (await this.pods(app)).filter(({ deleting }) => !deleting);
    return pods.length === count && pods.every(({ ready }) => ready);
  }

  /** How many of `count` connections from a host to the Service are answered within a second each. */
  async answered(host: Host, { ip }: ServicePlace = this.web, count = 6): Promise<number> {
    const url = `http://${ip}/?[1-${count}]`;
    const { stdout } = await host.exec([
      ...["curl", "-s", "--connect-timeout", "1", "--max-time", `${count * 2}`, "-H", "Connection: close", url],
    ]);
    return stdout.split("\n").filter((line) => line !== "").length;
  }

  /** Every connection from these hosts is answered. */
  async reaches(...hosts: readonly Host[]): Promise<boolean> {
    for (const host of hosts) if (await this.answered(host) < 6) return false;
    return true;
  }

  async nodeIs(host: Host, ready: string): Promise<boolean> {
    const path = `{.status.conditions[?(@.type=="Ready")].status}`;
    const { stdout } = await this.scene.cluster.kubectl(["get", "node", host.name, "-o", `jsonpath=${path}`]);
    return stdout === ready;
  }

  /** Names of the pods whose containers run on a host, by its engine. */
  async containersOn(host: Host): Promise<string[]> {
    const { stdout } = await host.exec([
      ...["curl", "-sS", "--unix-socket", host.engineSocket, "http://d/v1.41/containers/json"],
    ]);
    const labels = JSON.parse(stdout).map(({ Labels }: { Labels: Record<string, string> }) => Labels);
    return [...new Set<string>(labels.flatMap((one: Record<string, string>) => one["io.kubernetes.pod.name"] ?? []))];
  }

  /** The cluster is as it was made: every host Ready, every pod served, a pod on each, everyone reaches all of them. */
  async whole(): Promise<void> {
    for (const host of this.hosts) await this.scene.many.nodeIs(host, "True");
    await until(healedMs, () => this.served(), () => "the pods are not there");
    const spread = async () => new Set((await this.pods()).map(({ node }) => node)).size === this.hosts.length;
    if (!(await spread())) {
      // What was moved does not move back by itself: a new start finds all hosts.
      await this.scene.cluster.ask("rollout restart deployment web workers");
      for (const name of ["web", "workers"]) {
        await this.scene.cluster.ask(`rollout status deployment ${name} --timeout=90s`);
      }
    }
    for (const [app, count] of [["web", 3], ["workers", 2]] as const) {
      await until(
        healedMs,
        async () => await this.served(app, count) && (await this.pods(app)).length === count,
        () => `${app}: pods are not ready, or pods that were replaced are still there`,
      );
    }
    await until(healedMs, () => this.reaches(...this.hosts), () => "not every host reaches every pod");
    assert.ok(await spread(), "no pod on every host");
  }

  /** Takes back what was done to links; whoever has no power gets it. */
  async mend(): Promise<void> {
    const { lab, many } = this.scene;
    for (const host of this.hosts) {
      await lab.heal(host);
      await lab.lose(host, undefined);
      await lab.slow(host, undefined);
    }
    for (const member of many.members) {
      if (!this.off.has(member.host.name)) continue;
      await member.host.boot();
      await member.start();
      this.off.delete(member.host.name);
    }
  }

  /** Names of the hosts without power. */
  readonly off = new Set<string>();
}

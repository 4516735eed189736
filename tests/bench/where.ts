/**
 * Where the time of one request goes: the API server grows layer by layer, from a bare TLS server to the whole of it, and each layer's
 * share is what the processor's time for a request grew by. The figure that other programs on the machine shift the least. Leaves out
 * waiting: the `api` part shows it as p50 with one client.
 */
import process from "node:process";
import { createHealth } from "../../apiserver/health.ts";
import { createMetrics } from "../../apiserver/metrics.ts";
import { createAuthority, loadAuthority } from "../../apiserver/pki/pki.ts";
import { createHandler, type Handler, listen, type Listening } from "../../apiserver/server.ts";
import { systemClock } from "../../lib/seams/clock.ts";
import { systemRandom } from "../../lib/seams/random.ts";
import { adminToken, createSecured, type Secured } from "../harness/secured.ts";
import { configMap, post } from "./api.ts";
import { cpuMs } from "./memory.ts";
import type { Report } from "./report.ts";
import { startServer } from "./server.ts";
import { type Load, wrk, wrkMissing } from "./wrk.ts";

const clients = 16;
const seconds = 3;
/** A program that has just started is busy with that, and its code gets faster as it runs: neither is of interest. */
const warmUpSeconds = 3;

/** Of one request. */
interface Verb {
  readonly name: string;
  load(base: string): Pick<Load, "url" | "request">;
}

const collection = "/api/v1/namespaces/default/configmaps";
const verbs: readonly Verb[] = [
  { name: "POST", load: (base) => ({ url: base + collection, request: post(configMap) }) },
  { name: "GET", load: (base) => ({ url: `${base}${collection}/one` }) },
];

/** A whole server with one more layer than the one before it. */
interface Layer {
  readonly about: string;
  /** `cpu`: what its process has used until now, ms. */
  open(): Promise<{ base: string; token: string; cpu(): number } & AsyncDisposable>;
}

const ownCpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

async function serve(handler: Handler): Promise<Listening> {
  const made = await createAuthority("bench", systemClock.now(), systemRandom);
  const authority = await loadAuthority(made, systemClock, systemRandom);
  const pair = await authority.issue({ commonName: "bench" }, { usage: "server", names: ["127.0.0.1"] });
  return await listen({
    handler,
    clock: systemClock,
    host: "127.0.0.1",
    port: 0,
    tls: { ...pair, ca: authority.cert },
    tunnel: {
      nodeAddress: () => ({ host: "127.0.0.1", port: 0, serverName: "bench" }),
      ca: authority.cert,
      client: () => pair,
    },
  });
}

const one = { metadata: { name: "one", namespace: "default" }, data: { k: "x".repeat(200) } };

/** In this process; `grow` makes the handler of what the last layer of all has. */
function here(about: string, grow: (secured: Secured) => Handler): Layer {
  return {
    about,
    async open() {
      const secured = await createSecured();
      await secured.as(null, "POST", collection, one, { authorization: `Bearer ${adminToken}` });
      const listening = await serve(grow(secured));
      return {
        base: `https://127.0.0.1:${listening.port}`,
        token: adminToken,
        cpu: ownCpu,
        async [Symbol.asyncDispose]() {
          await listening.close(systemClock);
          await secured.close();
        },
      };
    },
  };
}

const text = JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", ...one });

/** Reads the request and answers as much as an answer of the API has. */
async function constant(request: Request): Promise<Response> {
  if (request.method === "POST") await request.arrayBuffer();
  return new Response(text, { headers: { "content-type": "application/json" } });
}

const filtersOnly = ({ auth, flow, fixture }: Secured): Handler =>
  createHandler({
    rest: { ...fixture.rest, handle: constant },
    health: createHealth({ live: [], ready: [] }),
    metrics: createMetrics({ storageBytes: () => Promise.resolve(0), objects: () => [], watchers: () => [] }),
    flow: { control: flow, count: () => 0 },
    clock: systemClock,
    random: systemRandom,
    version: {},
    ...auth,
  });

const layers: readonly Layer[] = [
  here("TLS and HTTP", () => constant),
  here("who asks, may they, is it their turn", filtersOnly),
  here("the REST machinery, admission, a store in memory", ({ handler }) => handler),
  {
    about: "Redis, the watch cache of all kinds, controllers",
    async open() {
      const server = await startServer();
      await server.client.raw("POST", collection, one);
      return {
        base: server.access.server,
        token: server.access.token!,
        cpu: () => cpuMs(server.pids(), "apiserver"),
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    },
  },
];

/** µs of the processor for one request. */
async function measure(layer: Layer, verb: Verb): Promise<number> {
  await using server = await layer.open();
  const load = { ...verb.load(server.base), clients, token: server.token };
  await wrk({ ...load, seconds: warmUpSeconds });
  const before = server.cpu();
  const { requests, errors } = await wrk({ ...load, seconds });
  if (errors > 0) throw new Error(`${verb.name}, ${layer.about}: ${errors} of ${requests} requests failed`);
  return (server.cpu() - before) * 1_000 / requests;
}

export async function where(report: Report): Promise<void> {
  const missing = await wrkMissing();
  if (missing !== undefined) return report.skip("where", missing);
  for (const verb of verbs) {
    let below = 0;
    for (const layer of layers) {
      const whole = await measure(layer, verb);
      const more = `${whole.toFixed(0)} µs with all before`;
      report.add({ what: `${verb.name}: ${layer.about}`, value: whole - below, unit: "µs CPU", more });
      below = whole;
    }
  }
}

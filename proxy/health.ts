/** HTTP: this proxy's own health and metrics, and the health ports of Services with external policy Local. */
import http from "node:http";
import { getLogger } from "log";
import type { ServiceEntry } from "./model.ts";

const logger = getLogger(["sauropod", "proxy", "health"]);

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface HealthState {
  readonly now: number;
  readonly lastSync: number | undefined;
  /** The rules follow the API: nothing waits for too long. */
  readonly healthy: boolean;
  /** All parts run: the rules are loaded, the names are served. */
  readonly ready: boolean;
  /** False while the Node is being removed: load balancers should send new connections elsewhere. */
  readonly nodeEligible: boolean;
  metrics(): string;
}

const text = (status: number, body: string, type = "text/plain; charset=utf-8"): HttpAnswer => ({
  status,
  body,
  headers: { "content-type": type, "x-content-type-options": "nosniff" },
});

/** `/healthz` and `/livez` as kube-proxy has them, `/readyz`, `/metrics`. Pure. */
export function healthAnswer(path: string, state: HealthState): HttpAnswer {
  const times = {
    lastUpdated: new Date(state.lastSync ?? 0).toISOString(),
    currentTime: new Date(state.now).toISOString(),
  };
  switch (path) {
    case "/healthz": {
      const body = JSON.stringify({ ...times, nodeEligible: state.nodeEligible });
      return text(state.healthy && state.nodeEligible ? 200 : 503, body, "application/json");
    }
    case "/livez":
      return text(state.healthy ? 200 : 503, JSON.stringify(times), "application/json");
    case "/readyz":
      return state.ready
        ? text(200, "ok")
        : text(503, "not ready: the rules are not loaded or DNS does not listen yet");
    case "/metrics":
      return text(200, state.metrics(), "text/plain; version=0.0.4; charset=utf-8");
    default:
      return text(404, "404 page not found\n");
  }
}

/** What a load balancer is told about a Service here (k8s.io/kubernetes/pkg/proxy/healthcheck). Pure. */
export function serviceHealthAnswer(key: string, localEndpoints: number, proxy: "healthy" | "unhealthy"): HttpAnswer {
  const [namespace, name] = key.split("/");
  const body = JSON.stringify(
    { service: { namespace, name }, localEndpoints, serviceProxyHealthy: proxy === "healthy" },
    null,
    "\t",
  );
  return {
    status: localEndpoints > 0 && proxy === "healthy" ? 200 : 503,
    body,
    headers: {
      "content-type": "application/json",
      "x-content-type-options": "nosniff",
      "x-load-balancing-endpoint-weight": String(localEndpoints),
    },
  };
}

export interface HttpListening {
  readonly port: number;
  close(): Promise<void>;
}

/** Serves GET and HEAD; port 0 picks a free one. Rejects when the port is taken. */
export async function serveHttp(
  at: { address: string; port: number },
  answer: (path: string) => HttpAnswer,
): Promise<HttpListening> {
  const server = http.createServer((request, response) => {
    const { status, body, headers } = request.method === "GET" || request.method === "HEAD"
      ? answer(new URL(request.url ?? "/", "http://proxy").pathname)
      : text(405, "only GET and HEAD are answered here\n");
    response.writeHead(status, headers);
    response.end(request.method === "HEAD" ? undefined : body);
  });
  server.headersTimeout = 5_000;
  server.requestTimeout = 10_000;
  server.maxConnections = 256;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(at.port, at.address, resolve);
  });
  server.on("error", (error) => logger.error("health server: {error}", { error: String(error) }));
  return {
    port: (server.address() as { port: number }).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The health ports of Services, kept open as the entries say. */
export class ServiceHealth {
  readonly #open = new Map<
    number,
    { key: string; localEndpoints: number; listening: Promise<HttpListening | undefined> }
  >();

  constructor(readonly address: string, readonly proxyState: () => "healthy" | "unhealthy") {}

  update(services: Iterable<ServiceEntry>): void {
    const wanted = new Map<number, { key: string; localEndpoints: number }>();
    for (const { key, healthCheck } of services) {
      if (healthCheck !== undefined) wanted.set(healthCheck.port, { key, localEndpoints: healthCheck.localEndpoints });
    }
    for (const [port, { listening }] of this.#open) {
      if (wanted.has(port)) continue;
      this.#open.delete(port);
      void listening.then((server) => server?.close());
    }
    for (const [port, state] of wanted) {
      const open = this.#open.get(port);
      if (open === undefined) this.#open.set(port, { ...state, listening: this.#listen(port) });
      else Object.assign(open, state);
    }
  }

  async #listen(port: number): Promise<HttpListening | undefined> {
    try {
      return await serveHttp({ address: this.address, port }, () => {
        const state = this.#open.get(port);
        return state === undefined
          ? text(404, "")
          : serviceHealthAnswer(state.key, state.localEndpoints, this.proxyState());
      });
    } catch (error) {
      logger.error("health port {port}: {error}", { port, error: String(error) });
      // The next sync tries again.
      this.#open.delete(port);
      return undefined;
    }
  }

  async close(): Promise<void> {
    const all = [...this.#open.values()];
    this.#open.clear();
    await Promise.all(all.map(async ({ listening }) => (await listening)?.close()));
  }
}

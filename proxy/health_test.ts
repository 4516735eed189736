import assert from "assert";
import { healthAnswer, type HealthState, serveHttp, ServiceHealth, serviceHealthAnswer } from "./health.ts";
import { Histogram, metricText } from "./metrics.ts";
import { services } from "./testing/world.ts";

const fine: HealthState = {
  now: Date.UTC(2026, 0, 1),
  lastSync: Date.UTC(2026, 0, 1),
  healthy: true,
  ready: true,
  nodeEligible: true,
  metrics: () => "m 1\n",
};

Deno.test("healthAnswer() as kube-proxy: a node on its way out fails /healthz, not /livez", () => {
  const cases: [path: string, state: Partial<HealthState>, status: number][] = [
    ["/healthz", {}, 200],
    ["/healthz", { healthy: false }, 503],
    ["/healthz", { nodeEligible: false }, 503],
    ["/livez", { nodeEligible: false }, 200],
    ["/livez", { healthy: false }, 503],
    ["/readyz", {}, 200],
    ["/readyz", { ready: false }, 503],
    ["/metrics", {}, 200],
    ["/other", {}, 404],
  ];
  for (const [path, state, status] of cases) {
    assert.equal(healthAnswer(path, { ...fine, ...state }).status, status, path);
  }
  assert.equal(
    healthAnswer("/healthz", fine).body,
    '{"lastUpdated":"2026-01-01T00:00:00.000Z","currentTime":"2026-01-01T00:00:00.000Z","nodeEligible":true}',
  );
});

Deno.test("serviceHealthAnswer() fails without a local endpoint or with an unhealthy proxy", () => {
  const good = serviceHealthAnswer("default/web", 2, "healthy");
  assert.equal(good.status, 200);
  assert.equal(good.headers["x-load-balancing-endpoint-weight"], "2");
  assert.deepEqual(JSON.parse(good.body), {
    service: { namespace: "default", name: "web" },
    localEndpoints: 2,
    serviceProxyHealthy: true,
  });
  assert.equal(serviceHealthAnswer("default/web", 0, "healthy").status, 503);
  assert.equal(serviceHealthAnswer("default/web", 2, "unhealthy").status, 503);
});

Deno.test("ServiceHealth opens, changes and closes ports as the Services say", async () => {
  const probe = await serveHttp({ address: "127.0.0.1", port: 0 }, () => ({ status: 200, body: "", headers: {} }));
  const { port } = probe;
  await probe.close();
  const health = new ServiceHealth("127.0.0.1", () => "healthy");
  const web = services()[0]!;
  const status = async () => {
    for (;;) {
      try {
        const response = await fetch(`http://127.0.0.1:${port}/`);
        await response.body?.cancel();
        return response.status;
      } catch {
        return "closed";
      }
    }
  };
  try {
    health.update([{ ...web, healthCheck: { port, localEndpoints: 1 } }]);
    // The port opens in the background.
    while (await status() === "closed");
    assert.equal(await status(), 200);
    health.update([{ ...web, healthCheck: { port, localEndpoints: 0 } }]);
    assert.equal(await status(), 503);
    health.update([web]);
    while (await status() !== "closed");
  } finally {
    await health.close();
  }
});

Deno.test("metrics are Prometheus text", () => {
  assert.equal(
    metricText("a", "gauge", "Help.", [{ labels: { x: 'q"' }, value: 2 }]),
    '# HELP a Help.\n# TYPE a gauge\na{x="q\\""} 2\n',
  );
  const histogram = new Histogram([0.1, 1]);
  for (const value of [0.05, 0.5, 5]) histogram.observe(value);
  assert.equal(
    histogram.text("h", "Help."),
    '# HELP h Help.\n# TYPE h histogram\nh_bucket{le="0.1"} 1\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 3\nh_sum 5.55\nh_count 3\n',
  );
});

import assert from "assert";
import { createHealth } from "./health.ts";

const down = () => Promise.reject(new Error("it is at redis://10.0.0.1 and silent"));
const health = (store: () => void | Promise<void>) =>
  createHealth({
    live: [{ name: "ping", check: () => {} }, { name: "certificates", check: () => "until 2027" }],
    ready: [{ name: "etcd", check: store }, { name: "poststarthook/rbac/bootstrap-roles", check: () => {} }],
  });

Deno.test("health is told as Kubernetes tells it", async () => {
  const table: [path: string, up: boolean, trusted: boolean, code: number, text: string][] = [
    ["/readyz", true, false, 200, "ok"],
    ["/livez", false, false, 200, "ok"],
    ["/healthz/ping", false, false, 200, "ok"],
    ["/readyz/etcd", true, false, 200, "ok"],
    ["/readyz/poststarthook/rbac/bootstrap-roles", true, false, 200, "ok"],
    ["/readyz/none", true, true, 404, 'readyz: no check "none"\n'],
    ["/livez/etcd", true, true, 404, 'livez: no check "etcd"\n'],
    ["/livez?verbose", true, false, 200, "[+]ping ok\n[+]certificates ok\nlivez check passed\n"],
    ["/livez?verbose", true, true, 200, "[+]ping ok\n[+]certificates ok: until 2027\nlivez check passed\n"],
    [
      "/readyz",
      false,
      false,
      500,
      "[+]ping ok\n[+]certificates ok\n[-]etcd failed: reason withheld\n" +
      "[+]poststarthook/rbac/bootstrap-roles ok\nreadyz check failed\n",
    ],
    ["/readyz?exclude=etcd", false, false, 200, "ok"],
    [
      "/readyz?verbose&exclude=etcd&exclude=nothing",
      false,
      false,
      200,
      "[+]ping ok\n[+]certificates ok\n[+]etcd excluded: ok\n[+]poststarthook/rbac/bootstrap-roles ok\n" +
      'warn: some health checks cannot be excluded: no matches for "nothing"\nreadyz check passed\n',
    ],
    ["/healthz/etcd", false, false, 500, "internal server error: reason withheld\n"],
    ["/healthz/etcd", false, true, 500, "internal server error: it is at redis://10.0.0.1 and silent\n"],
  ];
  for (const [path, up, trusted, code, text] of table) {
    const url = new URL(path, "http://apiserver");
    const endpoint = url.pathname.split("/")[1] as "livez";
    const answer = await health(up ? () => {} : down).answer(endpoint, url, { trusted });
    assert.deepEqual([answer.status, await answer.text()], [code, text], `${path} ${up} ${trusted}`);
  }
});

/** The streams with the real client: kubectl against a server that knows one pod. */
import assert from "assert";
import type http from "node:http";
import { systemProcesses } from "../../lib/seams/process.ts";
import { startNode, type TestNode } from "./test_node.ts";

async function findKubectl(): Promise<boolean> {
  try {
    return (await systemProcesses.run(["kubectl", "version", "--client"])).code === 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

const hasKubectl = await findKubectl();

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "web", namespace: "default", uid: "1-2-3" },
  spec: { containers: [{ name: "c", image: "x", tty: true, stdin: true }] },
  status: { phase: "Running" },
};

const answers: Readonly<Record<string, unknown>> = {
  "/version": { major: "1", minor: "32", gitVersion: "v1.32.0" },
  "/api": { kind: "APIVersions", versions: ["v1"] },
  "/apis": { kind: "APIGroupList", apiVersion: "v1", groups: [] },
  "/api/v1": {
    kind: "APIResourceList",
    groupVersion: "v1",
    resources: [{ name: "pods", singularName: "pod", namespaced: true, kind: "Pod", verbs: ["get"] }],
  },
  "/api/v1/namespaces/default/pods/web": pod,
};

const answerAsApi: http.RequestListener = (request, response) => {
  const body = answers[new URL(request.url ?? "/", "http://api").pathname];
  response.writeHead(body === undefined ? 404 : 200, { "content-type": "application/json" });
  response.end(JSON.stringify(body ?? { kind: "Status", apiVersion: "v1", status: "Failure", code: 404 }));
};

/** The API's path → the node's. */
function rewrite(url: string): string {
  const { pathname, searchParams } = new URL(url, "http://api");
  const [, namespace, name, verb] = pathname.match(/namespaces\/(\w+)\/pods\/(\w+)\/(\w+)$/) ?? [];
  if (verb === "portforward") return `/portForward/${namespace}/${name}`;
  return `/${verb}/${namespace}/${name}/${searchParams.get("container") ?? "c"}?${searchParams}`;
}

function kubectl(node: TestNode, env: Record<string, string>, ...args: string[]): string[] {
  const settings = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return [
    "env",
    ...settings,
    "kubectl",
    "--kubeconfig=/dev/null",
    `--cache-dir=${node.runDirectory}/kubectl`,
    `--server=http://127.0.0.1:${node.port}`,
    ...args,
  ];
}

const clients: Record<string, Record<string, string>> = {
  "WebSocket": {},
  "SPDY": { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: "false", KUBECTL_PORT_FORWARD_WEBSOCKETS: "false" },
};

for (const [protocol, env] of Object.entries(clients)) {
  Deno.test({
    name: `kubectl speaks ${protocol} with the streams${hasKubectl ? "" : " (skipped: needs kubectl)"}`,
    ignore: !hasKubectl,
    async fn(t) {
      const node = await startNode({ onRequest: answerAsApi, rewrite, main: ["cat"] });
      try {
        await t.step("exec", async () => {
          const command = kubectl(node, env, "exec", "web", "-c", "c", "--", "say", "out", "err", "7");
          const { code, stdout, stderr } = await systemProcesses.run(command);
          assert.deepEqual([code, stdout], [7, "out\n"], stderr);
          assert.match(stderr, /^err\ncommand terminated with exit code 7/);
        });
        await t.step("exec with input", async () => {
          const input = "line of input\n".repeat(20_000);
          const { code, stdout } = await systemProcesses.run(kubectl(node, env, "exec", "-i", "web", "--", "cat"), {
            stdin: input,
          });
          assert.deepEqual([code, stdout.length, stdout === input], [0, input.length, true]);
        });
        await t.step("exec of what is not there", async () => {
          const { code, stderr } = await systemProcesses.run(kubectl(node, env, "exec", "web", "--", "nothing"));
          assert.equal(code, 127);
          assert.match(stderr, /nothing/);
        });
        await t.step("port-forward", () => forward(node, env));
        await t.step("attach", async () => {
          const { code, stdout, stderr } = await systemProcesses.run(
            kubectl(node, env, "attach", "-i", "web", "-c", "c"),
            { stdin: "hello\n" },
          );
          assert.deepEqual([code, stdout.includes("hello")], [0, true], stderr);
        });
      } finally {
        await node.stop();
      }
    },
  });
}

async function forward(node: TestNode, env: Record<string, string>): Promise<void> {
  const data = "x".repeat(3 * 2 ** 20);
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, () => new Response(data));
  let announce!: (port: number) => void;
  const announced = new Promise<number>((resolve) => announce = resolve);
  const child = systemProcesses.spawn(kubectl(node, env, "port-forward", "pod/web", `:${server.addr.port}`), {
    onLine: (line) => {
      const port = line.match(/Forwarding from 127\.0\.0\.1:(\d+)/)?.[1];
      if (port !== undefined) announce(Number(port));
    },
  });
  try {
    const port = await Promise.race([announced, child.ended.then((code) => assert.fail(`kubectl ended with ${code}`))]);
    const sizes = await Promise.all(Array.from({ length: 5 }, async () => {
      return (await (await fetch(`http://127.0.0.1:${port}`, { headers: { connection: "close" } })).text()).length;
    }));
    assert.deepEqual(sizes, Array(5).fill(data.length));
  } finally {
    child.kill("SIGTERM");
    await child.ended;
    await server.shutdown();
  }
}

/** `deno task lab`: hosts on one machine for people who try things; nothing of it is left, however it ends. */
import assert from "assert";
import { type Child, output, systemProcesses } from "../../lib/seams/process.ts";
import { until } from "../harness/lab/host.ts";
import { obstacle } from "./scenario.ts";

const program = new URL("../harness/lab_cli.ts", import.meta.url).pathname;
const command = (
  ...words: string[]
) => [Deno.execPath(), "run", "--allow-all", "--no-check", "--quiet", program, ...words];
const run = (...words: string[]) => systemProcesses.run(command(...words));

/** What there is of the lab on this machine: namespaces, files, mounts. */
async function traces(): Promise<string[]> {
  const namespaces = await output(systemProcesses, ["ip", "netns", "list"]);
  const mounts = await Deno.readTextFile("/proc/mounts");
  const files = [...Deno.readDirSync("/tmp")].map(({ name }) => name);
  return [...namespaces.split("\n"), ...mounts.split("\n"), ...files].filter((line) => /\blab-try\b/.test(line));
}

async function up(...engines: string[]): Promise<Child> {
  const lines: string[] = [];
  const child = systemProcesses.spawn(command("up", ...engines), { onLine: (line) => lines.push(line) });
  let ended = false;
  void child.ended.then(() => ended = true);
  const isUp = () => ended || lines.some((line) => line.includes("Ctrl-C here removes all of it"));
  await until(120_000, isUp, () => lines.join("\n"));
  assert.ok(!ended, lines.join("\n"));
  assert.match(lines.join("\n"), /^h1 +10\.99\.9\.11 +podman +--engine \S+$/m);
  return child;
}

const why = obstacle("podman", ["curl"]) ?? ((await traces()).length > 0 ? "a lab of that name is up" : undefined);

Deno.test({
  name: `deno task lab${why === undefined ? "" : ` (skipped: ${why})`}`,
  ignore: why !== undefined,
  sanitizeOps: false,
  sanitizeResources: false,
  async fn(t) {
    let child: Child | undefined;
    try {
      await t.step("says how to make one when there is none", async () => {
        const { code, stdout } = await run("exec", "h1", "true");
        assert.notEqual(code, 0);
        assert.match(stdout, /no lab is up: deno task lab up/);
      });
      await t.step("runs commands on its hosts and outside of them, with their exit code", async () => {
        child = await up("podman", "podman");
        assert.equal((await run("exec", "h2", "hostname")).stdout, "h2\n");
        assert.equal((await run("exec", "h1", "sh", "-c", "exit 7")).code, 7);
        // curl's 7: the host is there and refuses.
        assert.equal((await run("exec", "client", "curl", "-s", "--max-time", "5", "http://10.99.9.12:9")).code, 7);
        assert.match((await run("exec", "h3", "true")).stdout, /h3: the hosts are h1, h2 and client/);
      });
      await t.step("is gone after Ctrl-C", async () => {
        child!.kill("SIGINT");
        assert.equal(await child!.ended, 0);
        assert.deepEqual(await traces(), []);
      });
      await t.step("can be removed when it was killed", async () => {
        child = await up("podman");
        child.kill("SIGKILL");
        await child.ended;
        assert.notEqual((await traces()).length, 0);
        assert.equal((await run("down")).code, 0);
        assert.deepEqual(await traces(), []);
      });
    } finally {
      child?.kill("SIGKILL");
      await child?.ended;
      await run("down");
    }
  },
});

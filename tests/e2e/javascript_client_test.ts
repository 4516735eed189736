/** The official Kubernetes JavaScript client on Node: lists, follows, patches, applies, runs, execs, forwards, deletes. */
import assert from "assert";
import { output, systemProcesses } from "../../lib/seams/process.ts";
import { scenario } from "./scenario.ts";

const program = new URL("../harness/javascript_client/", import.meta.url).pathname;
const parts = ["versions", "creates", "lists", "follows", "patches", "runs", "logs", "execs", "forwards", "deletes"];

/** The library where Node looks for it, exactly as the lock file has it. */
async function install(dir: string): Promise<void> {
  for (const name of ["package.json", "deno.lock", "program.mjs"]) {
    await Deno.copyFile(program + name, `${dir}/${name}`);
  }
  const words = ["install", "--quiet", "--frozen", "--node-modules-dir=auto"];
  await output(systemProcesses, ["env", "-C", dir, Deno.execPath(), ...words]);
}

scenario("the official JavaScript client works", async ({ cluster, host, step }) => {
  const dir = await Deno.makeTempDir({ prefix: "javascript-" });
  try {
    await install(dir);
    const env = [`KUBECONFIG=${cluster.dataDir}/kubeconfig`, "IMAGE=docker.io/qinchaowhut/allen:v1"];
    const { code, stdout, stderr } = await host.exec(["env", ...env, "timeout", "120", "node", `${dir}/program.mjs`]);
    for (const part of parts) {
      await step(part, () => {
        assert.ok(stdout.includes(`ok ${part}\n`), `not reached: ${stderr}`);
        return Promise.resolve();
      });
    }
    assert.equal(code, 0, stderr);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}, { images: ["v1"], programs: ["node"] });

/** How the test speaks with kubectl: what a command must say, and what must be refused. */
import assert from "assert";
import type { KubectlOptions } from "../../harness/cluster.ts";
import type { Scene } from "../scenario.ts";

export class Shell {
  /** `served` are the resources that there are: `pods`, `pods/log`, `jobs.batch`. */
  constructor(readonly scene: Scene, readonly served: ReadonlySet<string>) {}

  /** Runs a command and tells what it printed from what it should have. */
  async says(args: string | readonly string[], wanted: RegExp, options: KubectlOptions = {}): Promise<string> {
    const stdout = await this.scene.cluster.ask(args, options);
    assert.match(stdout, wanted, `kubectl ${args}: not ${wanted}, but\n${stdout}`);
    return stdout;
  }

  /** Writes a file on the host: its path. */
  async file(name: string, text: string): Promise<string> {
    const path = `/run/k/${name}`;
    const { code, stderr } = await this.scene.host.exec(
      ["sh", "-c", `mkdir -p "$(dirname ${path})" && cat >${path}`],
      { stdin: text },
    );
    assert.equal(code, 0, stderr);
    return path;
  }

  /** Runs a command that must be refused. */
  async refuses(args: string | readonly string[], wanted: RegExp, options: KubectlOptions = {}): Promise<void> {
    const { code, stdout, stderr } = await this.scene.cluster.kubectl(args, options);
    assert.match(stderr, wanted, `kubectl ${args}: not ${wanted}, but\n${stderr}${stdout}`);
    assert.notEqual(code, 0);
  }

  /** A part of the test that needs these resources. Where one of them is not served, kubectl must say so. */
  readonly step = (name: string, run: () => Promise<void>, ...needs: string[]): Promise<void> => {
    const missing = needs.find((one) => !this.served.has(one));
    if (missing === undefined) return this.scene.step(name, run);
    return this.scene.step(
      `${name}: kubectl says that ${missing} is not served`,
      () =>
        this.refuses(`get ${missing}`, /the server doesn't have a resource type|could not find the requested resource/),
    );
  };
}

export async function served({ cluster }: Scene): Promise<Set<string>> {
  const core = JSON.parse(await cluster.ask("get --raw=/api/v1")).resources.map(({ name }: { name: string }) => name);
  return new Set([...core, ...(await cluster.ask("api-resources -o name")).split("\n")]);
}

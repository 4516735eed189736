/** Docker's ways (20.10 and later). */
import { defined } from "./create_body.ts";
import type { CreateBody, Quirks } from "./quirks.ts";
import { logRotation } from "../../lib/limits.ts";

export const dockerQuirks: Quirks = {
  name: "docker",
  startsDependencies: false,

  async createBody(body, spec) {
    const host = { ...body.HostConfig };
    const { maxBytes, maxFiles } = spec.logging ?? logRotation;
    host.LogConfig = { Type: "json-file", Config: { "max-size": String(maxBytes), "max-file": String(maxFiles) } };
    host.SecurityOpt = await withProfiles(host.SecurityOpt);
    const adjusted: CreateBody = { ...body, HostConfig: host };
    if (host.UTSMode !== undefined) delete adjusted.Hostname;
    // Who joins a network namespace has its holder's host name, and is refused one of its own.
    if (host.NetworkMode.startsWith("container:")) delete adjusted.Hostname;
    if (host.UTSMode?.startsWith("container:")) delete host.UTSMode;
    return adjusted;
  },

  update: (id, { memoryBytes, nanoCpus, cpuShares }) => ({
    path: `/containers/${encodeURIComponent(id)}/update`,
    // A limit above the sum with swap is refused, so both are said.
    json: defined({ Memory: memoryBytes, MemorySwap: memoryBytes, NanoCpus: nanoCpus, CpuShares: cpuShares }),
  }),

  since: (ms) => (ms / 1000).toFixed(3),
  state: async (state) => state,
  actions: {
    create: "create",
    start: "start",
    die: "die",
    oom: "oom",
    pause: "pause",
    unpause: "unpause",
    destroy: "remove",
  },
  errorCode: () => undefined,
};

/** Docker's command line reads seccomp profiles; its daemon wants their text. */
async function withProfiles(options: readonly string[] | undefined): Promise<string[] | undefined> {
  if (options === undefined) return undefined;
  return await Promise.all(options.map(async (option) => {
    const path = option.match(/^seccomp=(\/.*)$/)?.[1];
    return path === undefined ? option : `seccomp=${await Deno.readTextFile(path)}`;
  }));
}

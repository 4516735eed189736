/** Leases on disk, so that a restarted agent knows its pods' addresses without asking the kernel. */
import { getLogger } from "log";
import { readText, writeAtomic } from "../../lib/seams/files.ts";
import { type Leases, parseLeases } from "./ipam.ts";

export interface LeaseFile {
  /** Undefined when there is none (or one that is damaged, which is said and set aside). */
  load(): Promise<Leases | undefined>;
  save(leases: Leases): Promise<void>;
  remove(): Promise<void>;
}

export function leaseFile(path: string): LeaseFile {
  return {
    async load() {
      const text = await readText(path);
      if (text === undefined) return undefined;
      const leases = parseLeases(text);
      if (leases === undefined) {
        getLogger(["sauropod", "agent"]).warn("the file of pod addresses is damaged; it is kept as {copy}", {
          copy: `${path}.bad`,
        });
        await Deno.rename(path, `${path}.bad`);
      }
      return leases;
    },
    save: (leases) => writeAtomic(path, JSON.stringify(leases)),
    async remove() {
      try {
        await Deno.remove(path);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    },
  };
}

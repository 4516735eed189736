/** What carries connections to endpoints: the kernel (nft/) or this process (userspace/). */
import type { ServiceEntry, ServiceMap } from "./model.ts";

export interface DataPlane {
  /** Brings everything to `services`, whatever is there; connections that are open stay so. Rejects when it could not. */
  load(services: ServiceMap): Promise<void>;
  /** Brings these Services to their new entries, `undefined`: gone. After a rejection only `load` helps. */
  change(changes: ReadonlyMap<string, ServiceEntry | undefined>): Promise<void>;
  /** What is not as it should be, in words; `undefined` when it could not be told this time. */
  check(): Promise<readonly string[] | undefined>;
  /** Is there anything of it? Cheap, unlike check(): asked often, because somebody's `flush ruleset` takes all at once. */
  isThere(): Promise<boolean>;
  /** Ends what needs this process. What the kernel does goes on. */
  close(): Promise<void>;
}

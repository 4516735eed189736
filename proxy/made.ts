/**
 * What the proxy made on this host, noted in its data directory, so that reset removes exactly that, also when it is called with other flags
 * or none.
 */
import { readText, writeAtomic } from "../lib/seams/files.ts";
import type { Processes } from "../lib/seams/process.ts";
import { Nft } from "./nft/apply.ts";
import { type HostOptions, removeFromHost, type Settings } from "./host.ts";
import { wordsTable } from "./nft/words.ts";
import { giveUpAll } from "./userspace/addresses.ts";
import type { Clock } from "../lib/seams/clock.ts";

export interface Made {
  readonly table: string;
  readonly host: HostOptions;
  /** Kernel settings that were changed, as they were. */
  readonly settings?: Settings;
}

const pathIn = (dataDir: string) => `${dataDir}/made.json`;

export async function noteMade(dataDir: string, made: Made): Promise<void> {
  await writeAtomic(pathIn(dataDir), JSON.stringify(made) + "\n");
}

/** What an earlier run noted, `undefined` when there is no note. */
export async function readMade(dataDir: string): Promise<Made | undefined> {
  const text = await readText(pathIn(dataDir));
  return text === undefined ? undefined : JSON.parse(text);
}

/** Removes the tables. A host without the program nft has none. */
export async function removeTables(table: string, processes: Processes, clock: Clock): Promise<void> {
  try {
    for (const one of [table, wordsTable(table)]) await new Nft(processes, clock, one).remove();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** Removes the tables, the addresses and the route. Connections that go through the table end. Safe to repeat. */
export async function removeMade(made: Made, processes: Processes, clock: Clock): Promise<void> {
  await removeTables(made.table, processes, clock);
  await giveUpAll(processes);
  await removeFromHost(processes, made.host, made.settings ?? {});
}

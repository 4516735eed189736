/**
 * What was changed on the host that is not ours and not marked as ours: noted on disk before it is done, so that teardown sets it back also
 * after restarts, and leaves alone what the administrator had already set so.
 */
import { getLogger } from "log";
import { readText, writeAtomic } from "../../lib/seams/files.ts";

export interface HostChanges {
  /** Path below /proc/sys → what it was. */
  readonly settings: Readonly<Record<string, string>>;
  /** Sources that firewalld was told to trust. */
  readonly trusted: readonly string[];
}

export const noChanges: HostChanges = { settings: {}, trusted: [] };

export interface ChangesFile {
  load(): Promise<HostChanges>;
  save(changes: HostChanges): Promise<void>;
  remove(): Promise<void>;
}

export function changesFile(path: string): ChangesFile {
  return {
    async load() {
      const text = await readText(path);
      if (text === undefined) return noChanges;
      const changes = parse(text);
      if (changes === undefined) {
        getLogger(["sauropod", "agent", "network"]).warn(
          "{path} is damaged: what was changed on this host (net.ipv4.ip_forward, firewalld) will not be set back",
          { path },
        );
      }
      return changes ?? noChanges;
    },
    save: (changes) => writeAtomic(path, JSON.stringify(changes) + "\n"),
    async remove() {
      try {
        await Deno.remove(path);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    },
  };
}

/** The values of settings that are not as they must be, with what they were. Those that are noted already keep their first note. */
export function planSettings(
  wanted: Readonly<Record<string, string>>,
  found: ReadonlyMap<string, string>,
  noted: HostChanges,
): { readonly set: readonly (readonly [path: string, value: string])[]; readonly changes: HostChanges } {
  const set = Object.entries(wanted).filter(([path, value]) => found.has(path) && found.get(path) !== value);
  const settings = { ...Object.fromEntries(set.map(([path]) => [path, found.get(path)!])), ...noted.settings };
  return { set, changes: set.length === 0 ? noted : { ...noted, settings } };
}

/** Undefined when it is not of this shape. */
function parse(text: string): HostChanges | undefined {
  const isTexts = (values: unknown[]) => values.every((value) => typeof value === "string");
  try {
    const { settings, trusted } = JSON.parse(text);
    return isTexts(Object.values(settings)) && isTexts([...trusted]) ? { settings, trusted } : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

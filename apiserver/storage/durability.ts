/**
 * Does a Redis that is not ours keep what it has acknowledged? Its answer is settings, which its operator chose: they are told, never changed.
 * Leaves out replicas: `WAIT` is a matter of each write (redis.ts, replicasMin).
 */
import type { Redis } from "ioredis";

/** What CONFIG GET says, as far as it may be asked (managed services hide it). */
export type Settings = Readonly<Record<string, string>>;

/** Why an acknowledged write may be lost, and what to set; undefined when it is not. Pure. */
export function durabilityWarning(settings: Settings): string | undefined {
  const { appendonly, appendfsync, "maxmemory-policy": policy, maxmemory } = settings;
  if (appendonly === "no") {
    return "it keeps no log (appendonly no): after a crash the cluster goes back to its last snapshot; set appendonly yes";
  }
  if (policy !== undefined && policy !== "noeviction" && maxmemory !== "0") {
    return `it forgets keys when its memory is full (maxmemory-policy ${policy}): that loses objects; set noeviction`;
  }
  if (appendfsync !== undefined && appendfsync !== "always") {
    return `it acknowledges before its disk has the write (appendfsync ${appendfsync}): a power cut loses the last ones; set always`;
  }
  return undefined;
}

/** The settings that matter; what can't be asked is absent. */
export async function readSettings(redis: Redis): Promise<Settings> {
  const settings: Record<string, string> = {};
  for (const name of ["appendonly", "appendfsync", "maxmemory", "maxmemory-policy"]) {
    const reply = await redis.config("GET", name).catch(() => []) as string[];
    if (reply[1] !== undefined) settings[name] = reply[1];
  }
  return settings;
}

/** The Lua scripts, typed. Redis caches them by hash; ioredis sends EVALSHA and, on NOSCRIPT, the text again. */
import type { Redis } from "ioredis";

const writeScript = await Deno.readTextFile(new URL("./scripts/write.lua", import.meta.url));
const openScript = await Deno.readTextFile(new URL("./scripts/open.lua", import.meta.url));

/** A Redis connection on which the scripts are defined. The first argument is the number of keys. */
export interface Scripted {
  sauropodWrite(keys: number, ...args: (string | number)[]): Promise<string | [string, ...(string | null)[]]>;
  sauropodOpen(keys: number, ...args: (string | number)[]): Promise<[string, string]>;
}

export function defineScripts(redis: Redis): void {
  redis.defineCommand("sauropodWrite", { lua: writeScript });
  redis.defineCommand("sauropodOpen", { lua: openScript });
}

export function scripted(redis: Redis): Scripted {
  return redis as unknown as Scripted;
}

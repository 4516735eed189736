/**
 * What a supervisor that was killed has left running. Its components go on (the pods need them), and whoever starts or stops next on this
 * data directory ends them first: a process is told from another with the same number by when it began, and in which life of the machine.
 * redis-server is a daemon of its own: the next API server adopts it, so that only stop and reset end one.
 */
import { type Clock, sleep } from "../seams/clock.ts";
import { readText, writeAtomic } from "../seams/files.ts";

const directory = (dataDir: string) => `${dataDir}/running`;
const askEveryMs = 20;

/** Notes that `pid` is this data directory's component `name` from now on. */
export async function noteRunning(dataDir: string, name: string, pid: number): Promise<void> {
  const identity = await identityOf(pid);
  if (identity === undefined) return; // It has ended already.
  await Deno.mkdir(directory(dataDir), { recursive: true, mode: 0o700 });
  await writeAtomic(`${directory(dataDir)}/${name}`, `${pid} ${identity}\n`);
}

/**
 * Ends the noted components that run, with SIGTERM, and with SIGKILL after `graceMs`. Call it with the directory's lock held. Answers
 * their names.
 */
export async function endLeftovers(dataDir: string, { clock, graceMs }: { clock: Clock; graceMs: number }) {
  const ended = await Promise.all((await noted(dataDir)).map(async ({ name, pid, identity }) => {
    const lives = async () => await identityOf(pid) === identity;
    const kill = (signal: Deno.Signal) => {
      try {
        Deno.kill(pid, signal);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error; // It has just ended.
      }
    };
    const was = await lives();
    if (was) kill("SIGTERM");
    for (const grace = clock.now() + graceMs; await lives();) {
      if (clock.now() > grace) kill("SIGKILL");
      await sleep(clock, askEveryMs);
    }
    await Deno.remove(`${directory(dataDir)}/${name}`);
    return was ? [name] : [];
  }));
  return ended.flat();
}

/** Ends the Redis of a killed API server: SIGTERM, on which it syncs its log. True when there was one. */
export async function endRedis(dataDir: string, { clock }: { clock: Clock }): Promise<boolean> {
  const dir = `${dataDir}/apiserver/redis`;
  const pid = Number((await readText(`${dir}/redis.pid`))?.trim());
  const lives = async () => (await commandLine(pid))?.includes(`${dir}/`) === true;
  if (!(pid > 0) || !(await lives())) return false;
  Deno.kill(pid, "SIGTERM");
  while (await lives()) await sleep(clock, askEveryMs);
  return true;
}

/** What a process was started with; redis-server writes its socket there. `undefined` when it has ended. */
async function commandLine(pid: number): Promise<string | undefined> {
  const text = await ofProcess(pid, "cmdline");
  return text === "" ? undefined : text;
}

async function noted(dataDir: string): Promise<{ name: string; pid: number; identity: string }[]> {
  const found = [];
  try {
    for await (const { name, isFile } of Deno.readDir(directory(dataDir))) {
      const [pid, ...identity] = isFile ? (await readText(`${directory(dataDir)}/${name}`))!.trim().split(" ") : [];
      if (pid !== undefined) found.push({ name, pid: Number(pid), identity: identity.join(" ") });
    }
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return found;
}

/** The machine's life and the process's beginning in it, in clock ticks (proc(5): the 22nd field of stat). */
async function identityOf(pid: number): Promise<string | undefined> {
  const stat = await ofProcess(pid, "stat");
  // The second field, the program's name, may hold spaces and parentheses.
  const [state, ...fields] = stat?.slice(stat.lastIndexOf(")") + 2).split(" ") ?? [];
  // A zombie has ended; who should collect it may take its time.
  if (state === undefined || state === "Z") return undefined;
  return `${(await readText("/proc/sys/kernel/random/boot_id"))?.trim()} ${fields[18]}`;
}

async function ofProcess(pid: number, file: "cmdline" | "stat"): Promise<string | undefined> {
  try {
    return await readText(`/proc/${pid}/${file}`);
  } catch (error) {
    // ESRCH: it ended while we read.
    if (/os error 3\b/.test(String(error))) return undefined;
    throw error;
  }
}

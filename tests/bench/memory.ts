/** Private memory: what would be free again if a process ended. Pages that are shared with others are nobody's. And processor time. */

export interface ProcessMemory {
  readonly pid: number;
  /** A component's name (`apiserver`, `agent`, `proxy`, `supervisor`), otherwise that of the program. */
  readonly name: string;
  readonly mib: number;
}

interface Process {
  pid: number;
  parent: number;
  name: string;
}

function processes(): Process[] {
  const found: Process[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = Deno.readTextFileSync(`/proc/${name}/stat`);
      const words = Deno.readTextFileSync(`/proc/${name}/cmdline`).split("\0");
      const room = words.map((word) =>
        /\/(\w+)\/main\.ts$/.exec(word)?.[1] ?? (word.endsWith("/main.ts") ? "supervisor" : undefined)
      ).find(Boolean);
      const program = stat.slice(stat.indexOf("(") + 1, stat.lastIndexOf(")"));
      const runsRoom = room !== undefined && program === "deno";
      found.push({
        pid: Number(name),
        parent: Number(stat.slice(stat.lastIndexOf(")") + 4).split(" ")[0]),
        name: runsRoom ? (["apiserver", "agent", "proxy"].includes(room) ? room : "supervisor") : program,
      });
    } catch (error) {
      // It ended while we looked.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return found;
}

function below(roots: readonly number[]): Process[] {
  const all = processes();
  const wanted = new Set(roots);
  for (let grown = true; grown;) {
    grown = false;
    for (const { pid, parent } of all) if (wanted.has(parent) && !wanted.has(pid)) grown = !!wanted.add(pid);
  }
  return all.filter(({ pid }) => wanted.has(pid));
}

/** Of these processes and all below them. Those that have ended meanwhile are left out. */
export async function memoryBelow(roots: readonly number[]): Promise<ProcessMemory[]> {
  return await memoryOf(below(roots));
}

/** Of all processes of a lab host: those in the process namespace of its process 1. */
export async function memoryOfHost(init: number): Promise<ProcessMemory[]> {
  const namespace = (pid: number) => Deno.readLink(`/proc/${pid}/ns/pid`).catch(() => undefined);
  const own = await namespace(init);
  const found: Process[] = [];
  for (const process of processes()) if (await namespace(process.pid) === own) found.push(process);
  return await memoryOf(found);
}

async function memoryOf(wanted: readonly Process[]): Promise<ProcessMemory[]> {
  const found: ProcessMemory[] = [];
  for (const { pid, name } of wanted) {
    const rollup = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`).catch(() => "");
    const kib = [...rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB/gm)]
      .reduce((sum, match) => sum + Number(match[1]), 0);
    if (kib > 0) found.push({ pid, name, mib: kib / 1024 });
  }
  return found;
}

/** Processor time that the process of this name below the roots has used, all its threads together. ms */
export function cpuMs(roots: readonly number[], name: string): number {
  const { pid } = below(roots).find((process) => process.name === name)!;
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const [user, system] = stat.slice(stat.lastIndexOf(")") + 2).split(" ").slice(11, 13).map(Number);
  // Linux counts in hundredths of a second, on every architecture.
  return (user! + system!) * 10;
}

/** `apiserver 60, redis-server 5` */
export function listed(memory: readonly ProcessMemory[]): string {
  return memory.map(({ name, mib }) => `${name} ${mib.toFixed(0)}`).join(", ");
}

export const sum = (memory: readonly ProcessMemory[]) => memory.reduce((total, { mib }) => total + mib, 0);

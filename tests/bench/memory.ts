/** Private memory (what would be free again if the process ended) of a process and all below it. */

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
      found.push({
        pid: Number(name),
        parent: Number(stat.slice(stat.lastIndexOf(")") + 4).split(" ")[0]),
        name: room ?? words[0]!.split("/").at(-1)!,
      });
    } catch (error) {
      // It ended while we looked.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return found;
}

/** `private memory: supervisor 20, apiserver 60, redis-server 5: 85 MB` */
export async function privateMemory(root: number): Promise<string> {
  const all = processes();
  const wanted = new Set([root]);
  for (let grown = true; grown;) {
    grown = false;
    for (const { pid, parent } of all) if (wanted.has(parent) && !wanted.has(pid)) grown = !!wanted.add(pid);
  }
  const parts: [string, number][] = [];
  for (const { pid, name } of all.filter(({ pid }) => wanted.has(pid))) {
    const rollup = await Deno.readTextFile(`/proc/${pid}/smaps_rollup`).catch(() => "");
    const kib = [...rollup.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB/gm)].reduce(
      (sum, m) => sum + Number(m[1]),
      0,
    );
    parts.push([name, kib / 1024]);
  }
  const sum = parts.reduce((total, [, mib]) => total + mib, 0);
  return `private memory: ${parts.map(([name, mib]) => `${name} ${mib.toFixed(0)}`).join(", ")}: ${sum.toFixed(0)} MiB`;
}

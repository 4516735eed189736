/** Control groups of the lab: one below the root of each hierarchy for each host, so that nothing of a host stays behind. */

interface Hierarchy {
  mount: string;
  type: "cgroup" | "cgroup2";
  controllers: string;
}

function hierarchies(): Hierarchy[] {
  const found: Hierarchy[] = [];
  for (const line of Deno.readTextFileSync("/proc/self/mountinfo").split("\n")) {
    const [left, right] = line.split(" - ");
    const [type, , options] = right?.split(" ") ?? [];
    if (type !== "cgroup" && type !== "cgroup2") continue;
    found.push({ mount: left!.split(" ")[4]!, type, controllers: options ?? "" });
  }
  return found;
}

const path = (h: Hierarchy, tag: string, name?: string) => `${h.mount}/${tag}${name === undefined ? "" : `/${name}`}`;

/** Makes a host's groups and answers the shell text that puts the shell that runs it into them. */
export function joinScript(tag: string, name: string): string {
  const lines: string[] = [];
  for (const h of hierarchies()) {
    const dir = path(h, tag, name);
    Deno.mkdirSync(dir, { recursive: true });
    if (h.controllers.split(",").includes("cpuset")) {
      // In version 1 a new cpuset is empty and takes nobody in.
      for (const at of [path(h, tag), dir]) {
        for (const file of ["cpuset.cpus", "cpuset.mems"]) {
          Deno.writeTextFileSync(`${at}/${file}`, Deno.readTextFileSync(`${at}/../${file}`));
        }
      }
    }
    // In version 2 only leaves hold processes: the host's own process 1 has moved down to `init`.
    lines.push(`d=${dir}; [ ! -d $d/init ] || d=$d/init; echo $$ >$d/cgroup.procs 2>/dev/null || :`);
  }
  return lines.join("; ");
}

/** Removes a host's groups, or all of the lab's. They are empty when its processes have ended. */
export function removeGroups(tag: string, name?: string): void {
  for (const h of hierarchies()) removeTree(path(h, tag, name));
}

function removeTree(dir: string): void {
  let entries: Deno.DirEntry[];
  try {
    entries = [...Deno.readDirSync(dir)];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  for (const entry of entries) if (entry.isDirectory) removeTree(`${dir}/${entry.name}`);
  try {
    // rmdir, as Deno has it: the files of a control group go with it.
    Deno.removeSync(dir);
  } catch (error) {
    // A zombie that nobody has collected yet holds it; the next lab of this name removes it.
    if (!(error instanceof Deno.errors.NotFound) && !/busy/i.test(String(error))) throw error;
  }
}

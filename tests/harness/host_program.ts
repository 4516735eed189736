/**
 * Programs of this machine, packed for an image: the file, the libraries that it is linked to, and their loader. For what busybox
 * lacks (a resolver's own tools, UDP servers). Left out: data files and modules that a program loads later.
 */
import type { TarEntry } from "../../agent/images/tar.ts";
import { output, systemProcesses } from "../../lib/seams/process.ts";

/** Where a program is on this machine, `undefined` when it is not installed. */
export function findProgram(name: string): string | undefined {
  return ["/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"].map((dir) => `${dir}/${name}`).find((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  });
}

/** Their files at the paths at which they are here. Throws for a program that is not installed. */
export async function programFiles(names: readonly string[]): Promise<TarEntry[]> {
  const files = new Set<string>();
  for (const name of names) {
    const path = findProgram(name);
    if (path === undefined) throw new Error(`this machine has no ${name}`);
    files.add(path);
    for (const [library] of (await output(systemProcesses, ["ldd", path])).matchAll(/\/\S+(?= \()/g)) {
      files.add(library);
    }
  }
  const directories = new Set<string>();
  for (const file of files) {
    const parts = file.split("/").slice(1, -1);
    parts.forEach((_, i) => directories.add(parts.slice(0, i + 1).join("/")));
  }
  return [
    ...[...directories].sort().filter((path) => path !== "bin").map((path) => ({ path, kind: "directory" as const })),
    ...await Promise.all([...files].map(async (path) => ({
      path: path.slice(1),
      mode: 0o755,
      data: await Deno.readFile(path),
    }))),
  ];
}

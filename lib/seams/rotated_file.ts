/**
 * A file that is only appended to, and put aside when it has grown: `audit.log` becomes `audit-2026-11-21T09-30-00.000.log` (the names of
 * gopkg.in/natefinch/lumberjack). Those that are too many or too old are removed.
 */

export interface Rotation {
  bytesMax: number;
  /** Of those put aside; 0: any number. */
  filesMax: number;
  /** Of those put aside; 0: any age. */
  ageMsMax: number;
}

export class RotatedFile {
  #file: Deno.FsFile | undefined;
  #size = 0;

  constructor(readonly path: string, readonly rotation: Rotation, readonly now: () => number) {}

  /** Made when it is missing. Throws what the file system says. */
  async open(): Promise<void> {
    const folder = this.path.replace(/\/[^/]*$/, "");
    if (folder !== "" && folder !== this.path) await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    this.#file = await Deno.open(this.path, { append: true, create: true, mode: 0o600 });
    this.#size = (await this.#file.stat()).size;
  }

  /** All of it, in one file. */
  async write(bytes: Uint8Array): Promise<void> {
    if (this.#file === undefined) await this.open();
    if (this.#size > 0 && this.#size + bytes.length > this.rotation.bytesMax) await this.#rotate();
    for (let written = 0; written < bytes.length;) written += await this.#file!.write(bytes.subarray(written));
    this.#size += bytes.length;
  }

  async #rotate(): Promise<void> {
    await this.close();
    const at = new Date(this.now()).toISOString().replace("Z", "").replaceAll(":", "-");
    const [, stem, extension] = this.#parts();
    await Deno.rename(this.path, `${stem}-${at}${extension}`);
    await this.open();
    await this.#prune();
  }

  #parts(): [folder: string, stem: string, extension: string] {
    const name = this.path.split("/").at(-1)!;
    const dot = name.lastIndexOf(".");
    const extension = dot > 0 ? name.slice(dot) : "";
    const folder = this.path.slice(0, this.path.length - name.length) || "./";
    return [folder, this.path.slice(0, this.path.length - extension.length), extension];
  }

  /** Newest first, all that were put aside. */
  async #prune(): Promise<void> {
    const [folder, stem, extension] = this.#parts();
    const prefix = `${stem.split("/").at(-1)!}-`;
    const old: { path: string; at: number }[] = [];
    for await (const { name } of Deno.readDir(folder)) {
      const [, day, time] = /^(\d{4}-\d\d-\d\d)T(\d\d-\d\d-\d\d\.\d{3})$/.exec(
        name.startsWith(prefix) && name.endsWith(extension)
          ? name.slice(prefix.length, name.length - extension.length)
          : "",
      ) ?? [];
      if (day === undefined) continue;
      old.push({ path: folder + name, at: Date.parse(`${day}T${time!.replaceAll("-", ":")}Z`) });
    }
    const { filesMax, ageMsMax } = this.rotation;
    old.sort((a, b) => b.at - a.at);
    const gone = old.filter(({ at }, i) =>
      (filesMax > 0 && i >= filesMax) || (ageMsMax > 0 && this.now() - at > ageMsMax)
    );
    for (const { path } of gone) await Deno.remove(path);
  }

  close(): Promise<void> {
    this.#file?.close();
    this.#file = undefined;
    return Promise.resolve();
  }
}

/** Standard output, for who collects it there. */
export const standardOutput = {
  async write(bytes: Uint8Array): Promise<void> {
    for (let written = 0; written < bytes.length;) written += await Deno.stdout.write(bytes.subarray(written));
  },
  close: (): Promise<void> => Promise.resolve(),
};

/**
 * Writes tar archives (POSIX ustar) of small files: enough to hand an image to an engine.
 * Left out: reading, sparse and large (> 8 GiB) files, names over 255 bytes.
 */

export interface TarEntry {
  /** Without a leading slash. */
  readonly path: string;
  readonly kind?: "file" | "directory" | "symlink";
  /** Permission bits; 0644 for files, 0755 for directories. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly data?: Uint8Array | string;
  /** Of a symlink. */
  readonly target?: string;
}

const blockBytes = 512;
const typeFlags = { file: "0", symlink: "2", directory: "5" } as const;
const encoder = new TextEncoder();

/** The whole archive. All entries carry the time 0, so that equal input makes equal bytes. Throws RangeError for a path that is too long. */
export function tar(entries: readonly TarEntry[]): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    const data = typeof entry.data === "string" ? encoder.encode(entry.data) : entry.data ?? new Uint8Array(0);
    parts.push(header(entry, data.length), data, new Uint8Array(-data.length & (blockBytes - 1)));
  }
  parts.push(new Uint8Array(2 * blockBytes));
  return concat(parts);
}

function header(entry: TarEntry, size: number): Uint8Array {
  const kind = entry.kind ?? "file";
  const block = new Uint8Array(blockBytes);
  const text = (at: number, value: string) => block.set(encoder.encode(value), at);
  const octal = (at: number, digits: number, value: number) => text(at, value.toString(8).padStart(digits, "0"));
  const [prefix, name] = splitPath(kind === "directory" ? `${entry.path.replace(/\/$/, "")}/` : entry.path);
  text(0, name);
  octal(100, 7, entry.mode ?? (kind === "file" ? 0o644 : kind === "directory" ? 0o755 : 0o777));
  octal(108, 7, entry.uid ?? 0);
  octal(116, 7, entry.gid ?? 0);
  octal(124, 11, size);
  octal(136, 11, 0);
  text(148, "        ");
  text(156, typeFlags[kind]);
  text(157, entry.target ?? "");
  text(257, "ustar\x0000");
  text(345, prefix);
  octal(148, 6, block.reduce((sum, byte) => sum + byte, 0));
  block[154] = 0;
  return block;
}

/** ustar keeps a path in two fields, of 155 and 100 bytes, that meet at a slash. */
function splitPath(path: string): [prefix: string, name: string] {
  if (encoder.encode(path).length <= 100) return ["", path];
  for (let slash = path.indexOf("/"); slash >= 0; slash = path.indexOf("/", slash + 1)) {
    const name = path.slice(slash + 1);
    const prefix = path.slice(0, slash);
    if (name !== "" && encoder.encode(name).length <= 100 && encoder.encode(prefix).length <= 155) {
      return [prefix, name];
    }
  }
  throw new RangeError(`tar: the path ${JSON.stringify(path)} is too long for a ustar archive`);
}

/** One array of many. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

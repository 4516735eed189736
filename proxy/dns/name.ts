/**
 * Domain names: as text without the final dot (`web.default.svc.cluster.local`, the root is "") and as bytes. A dot or backslash inside of a
 * label is written `\.`, `\\`, and a byte that is not printable `\ddd` (RFC 1035, 5.1).
 */

/** A message is not what RFC 1035 says. */
export class FormatError extends Error {
  override name = "FormatError";
}

const nameBytesMax = 255;
const labelBytesMax = 63;

/** Reads a name at `offset`, following compression; `end` is the offset after it. Throws FormatError. */
export function readName(bytes: Uint8Array, offset: number): { name: string; end: number } {
  let text = "";
  let end = -1;
  let length = 0;
  // Pointers must lead backwards, so each is smaller than the one before and the loop ends.
  let before = offset;
  for (let at = offset;;) {
    const size = bytes[at];
    if (size === undefined) throw new FormatError("a name runs over the end of the message");
    if (size === 0) return { name: text, end: end < 0 ? at + 1 : end };
    if ((size & 0xc0) === 0xc0) {
      const target = ((size & 0x3f) << 8) | (bytes[at + 1] ?? 0);
      if (end < 0) end = at + 2;
      if (at + 1 >= bytes.length || target >= before) {
        throw new FormatError("a compression pointer does not lead backwards");
      }
      before = at = target;
      continue;
    }
    if (size > labelBytesMax) throw new FormatError("a label has more than 63 bytes");
    length += size + 1;
    if (length >= nameBytesMax || at + 1 + size > bytes.length) throw new FormatError("a name is too long");
    text += (text === "" ? "" : ".") + labelText(bytes, at + 1, size);
    at += 1 + size;
  }
}

function labelText(bytes: Uint8Array, start: number, size: number): string {
  let text = "";
  for (let i = start; i < start + size; i++) {
    const byte = bytes[i]!;
    if (byte === 0x2e || byte === 0x5c) text += "\\" + String.fromCharCode(byte);
    else if (byte > 0x20 && byte < 0x7f) text += String.fromCharCode(byte);
    else text += "\\" + String(byte).padStart(3, "0");
  }
  return text;
}

/** The bytes of a name, uncompressed, with the final zero. Throws FormatError. */
export function nameBytes(name: string): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  for (const label of labelsOf(name)) {
    if (label.length === 0 || label.length > labelBytesMax) {
      throw new FormatError(`${name}: a label has no or too many bytes`);
    }
    bytes.push(label.length, ...label);
  }
  bytes.push(0);
  if (bytes.length > nameBytesMax) throw new FormatError(`${name} is longer than 255 bytes`);
  return Uint8Array.from(bytes);
}

function labelsOf(name: string): number[][] {
  if (name === "") return [];
  const labels: number[][] = [[]];
  for (let i = 0; i < name.length; i++) {
    const char = name[i]!;
    if (char === ".") labels.push([]);
    else if (char !== "\\") labels.at(-1)!.push(name.charCodeAt(i) & 255);
    else if (/^\d{3}/.test(name.slice(i + 1))) {
      labels.at(-1)!.push(Number(name.slice(i + 1, i + 4)) & 255);
      i += 3;
    } else labels.at(-1)!.push(name.charCodeAt(++i) & 255);
  }
  return labels;
}

/** True for `zone` itself and all below. Both in lower case. */
export function isWithin(name: string, zone: string): boolean {
  return zone === "" || name === zone || name.endsWith(`.${zone}`);
}

/** The name above, `undefined` for the root. */
export function parentOf(name: string): string | undefined {
  if (name === "") return undefined;
  const dot = name.indexOf(".");
  return dot < 0 ? "" : name.slice(dot + 1);
}

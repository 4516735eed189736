/** Standard base64 (RFC 4648 section 4), of bytes. Leaves out validation: that is the validator's. */

export function encodeBase64(bytes: Uint8Array): string {
  let binary = "";
  // fromCharCode takes its characters as arguments, of which there can't be too many.
  for (let i = 0; i < bytes.length; i += 8192) binary += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(binary);
}

/** Throws for a text that is no base64. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

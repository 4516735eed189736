/** What is in `request` and `certificate` of a CertificateSigningRequest: base64 of PEM. */
import { lifetimeOf } from "../../../lib/pki/certificate.ts";
import { readRequest } from "../../../lib/pki/request.ts";
import { decodeBase64 } from "../../../lib/schema/base64.ts";

const decoder = new TextDecoder();
const block = /-----BEGIN ([^\n\r]*?)-----[ \t\r]*\n([\s\S]*?)-----END \1-----/g;

interface Block {
  type: string;
  /** All of it, and what is between the lines that frame it. */
  text: string;
  body: string;
}

function blocksOf(base64: string): Block[] {
  const text = decoder.decode(decodeBase64(base64));
  return [...text.matchAll(block)].map(([text, type = "", body = ""]) => ({ text, type, body }));
}

/**
 * What is wrong with a request for a certificate; undefined when it can be read. Whether it is signed with its own key is
 * looked at by who signs it: that takes time, which validation doesn't have.
 */
export function requestError(base64: string | undefined): string | undefined {
  const [first] = blocksOf(base64 ?? "");
  if (first?.type !== "CERTIFICATE REQUEST") return "PEM block type must be CERTIFICATE REQUEST";
  try {
    readRequest(first.text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What is wrong with the certificates that a signer has issued, one or more; undefined when nothing is. */
export function certificateError(base64: string | undefined): string | undefined {
  if (!base64) return undefined;
  const blocks = blocksOf(base64);
  for (const { type, text, body } of blocks) {
    if (type !== "CERTIFICATE") return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`;
    if (body.includes(":")) return "no PEM block headers are permitted";
    if (body.trim() === "") return "found CERTIFICATE PEM block containing 0 certificates";
    try {
      lifetimeOf(text);
    } catch (error) {
      return `x509: malformed certificate: ${(error as Error).message}`;
    }
  }
  return blocks.length === 0 ? "must contain one or more CERTIFICATE PEM blocks" : undefined;
}

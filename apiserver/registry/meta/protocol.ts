/** Protocols of ports. */
import { type FieldError, fieldError } from "../../../lib/status.ts";

export const protocols = ["SCTP", "TCP", "UDP"];

/** Required, and one of the three. */
export function validateProtocol(protocol: string | undefined, path: string): FieldError[] {
  if (!protocol) return [fieldError.required(path)];
  return protocols.includes(protocol) ? [] : [fieldError.notSupported(path, protocol, protocols)];
}

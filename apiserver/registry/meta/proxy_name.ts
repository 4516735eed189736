/** `[scheme:]name[:port]`, the form of names in `/proxy` URLs (apimachinery's SplitSchemeNamePort). */
import { statusError } from "../../../lib/status.ts";

export interface ProxyName {
  scheme: "http" | "https" | "";
  name: string;
  /** A number or a name; empty: the first port there is. */
  port: string;
}

/** `what`: `pod`, for the error. Throws BadRequest. */
export function splitProxyName(id: string, what: string): ProxyName {
  const parts = id.split(":");
  const [scheme, name, port] = parts.length === 3 ? parts : ["", parts[0], parts[1] ?? ""];
  const known = scheme === "" || scheme === "http" || scheme === "https";
  if (parts.length > 3 || !name || !known) {
    throw statusError("BadRequest", `invalid ${what} request ${JSON.stringify(id)}`);
  }
  return { scheme, name, port: port! };
}

/** A decoded path and a query, as they go on the wire. */
export function proxyPath(path: string, query: URLSearchParams): string {
  const encoded = "/" + encodeURI(path).replaceAll(/[?#]/g, encodeURIComponent);
  const text = query.toString();
  return text === "" ? encoded : `${encoded}?${text}`;
}

/** Whether traffic may be sent there at a client's wish: no loopback, link-local, multicast or empty address (Go's IsGlobalUnicast). */
export function isGlobalUnicast(ip: string): boolean {
  if (!ip.includes(":")) {
    const [a = 0, b = 0] = ip.split(".").map(Number);
    return ip !== "" && ip !== "0.0.0.0" && ip !== "255.255.255.255" && a !== 127 && (a < 224 || a > 239) &&
      !(a === 169 && b === 254);
  }
  const text = ip.toLowerCase();
  // An IPv4 address in IPv6 clothes is judged as what it is.
  const mapped = /^::(?:ffff:)?(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (mapped !== null) return isGlobalUnicast(mapped[1]!);
  return !/^[0:]*:[01]?$/.test(text) && !text.startsWith("ff") && !/^fe[89ab]/.test(text);
}

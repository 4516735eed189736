/** Makers and readers of the records that the cluster's zone has. */
import { formatIpv4, parseIpv4 } from "../ipv4.ts";
import { type Rr, types } from "./message.ts";
import { nameBytes, readName } from "./name.ts";

/** Of all answers from the cluster's zone, in seconds (Kubernetes DNS). */
export const zoneTtl = 5;

export function addressRr(name: string, address: string, ttl = zoneTtl): Rr {
  const number = parseIpv4(address);
  if (number === undefined) return { name, type: types.AAAA, ttl, data: ipv6Bytes(address)! };
  return {
    name,
    type: types.A,
    ttl,
    data: Uint8Array.of(number >>> 24, (number >>> 16) & 255, (number >>> 8) & 255, number & 255),
  };
}

export function nameRr(name: string, type: number, target: string, ttl = zoneTtl): Rr {
  return { name, type, ttl, data: nameBytes(target) };
}

export function srvRr(name: string, srv: { priority: number; weight: number; port: number; target: string }): Rr {
  const target = nameBytes(srv.target);
  const data = new Uint8Array(6 + target.length);
  const view = new DataView(data.buffer);
  view.setUint16(0, srv.priority);
  view.setUint16(2, srv.weight);
  view.setUint16(4, srv.port);
  data.set(target, 6);
  return { name, type: types.SRV, ttl: zoneTtl, data };
}

export function txtRr(name: string, text: string): Rr {
  const bytes = new TextEncoder().encode(text);
  return { name, type: types.TXT, ttl: zoneTtl, data: Uint8Array.of(bytes.length, ...bytes) };
}

/** The SOA that says "this zone, and for how long a no is a no". */
export function soaRr(zone: string, serial: number, domain: string): Rr {
  const first = nameBytes(`ns.dns.${domain}`);
  const second = nameBytes(`hostmaster.${domain}`);
  const data = new Uint8Array(first.length + second.length + 20);
  data.set(first);
  data.set(second, first.length);
  const view = new DataView(data.buffer, first.length + second.length);
  [serial >>> 0, 7_200, 1_800, 86_400, zoneTtl].forEach((value, i) => view.setUint32(4 * i, value));
  return { name: zone, type: types.SOA, ttl: zoneTtl, data };
}

/** Where a CNAME leads. */
export function targetOf(record: Rr): string {
  return readName(record.data, 0).name;
}

/** How long the SOA in a negative answer lets it be kept, in seconds (RFC 2308). */
export function negativeTtl(soa: Rr): number {
  const minimum = new DataView(soa.data.buffer, soa.data.byteOffset + soa.data.length - 4).getUint32(0);
  return Math.min(soa.ttl, minimum);
}

/** The text of a record's data, for tests and logs. */
export function dataText(record: Rr): string {
  const { type, data } = record;
  if (type === types.A) return formatIpv4(new DataView(data.buffer, data.byteOffset).getUint32(0));
  if (type === types.TXT) return JSON.stringify(new TextDecoder().decode(data.subarray(1)));
  if (type === types.SRV) {
    const view = new DataView(data.buffer, data.byteOffset);
    return `${view.getUint16(0)} ${view.getUint16(2)} ${view.getUint16(4)} ${readName(data, 6).name}`;
  }
  if (type === types.CNAME || type === types.PTR || type === types.NS || type === types.SOA) return targetOf(record);
  return [...data].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The 16 bytes of an IPv6 address, `undefined` for anything else. */
export function ipv6Bytes(text: string): Uint8Array | undefined {
  if (!/^[0-9a-fA-F:]+$/.test(text)) return undefined;
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => half === "" ? [] : half.split(":"));
  const missing = 8 - groups.flat().length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const all = halves.length === 1 ? groups[0]! : [...groups[0]!, ...new Array(missing).fill("0"), ...groups[1]!];
  if (all.some((group) => !/^[0-9a-fA-F]{1,4}$/.test(group))) return undefined;
  return Uint8Array.from(all.flatMap((group) => [parseInt(group, 16) >> 8, parseInt(group, 16) & 255]));
}

/** The name under which an address is looked up backwards. */
export function reverseName(address: string): string | undefined {
  if (parseIpv4(address) !== undefined) return `${address.split(".").reverse().join(".")}.in-addr.arpa`;
  const bytes = ipv6Bytes(address);
  if (bytes === undefined) return undefined;
  const nibbles = [...bytes].flatMap((byte) => [byte >> 4, byte & 15]).reverse();
  return `${nibbles.map((n) => n.toString(16)).join(".")}.ip6.arpa`;
}

/** Question → answer, from the cluster's records alone. Pure. What it does not know it says, and server.ts asks others. */
import { type Range, rangeHas } from "../ipv4.ts";
import { type Question, rcodes, type Rr, types } from "./message.ts";
import { isWithin } from "./name.ts";
import type { Records } from "./records.ts";
import { addressRr, ipv6Bytes, nameRr, soaRr, srvRr, txtRr } from "./rr.ts";

export interface Answer {
  readonly rcode: number;
  /** It comes from the one who knows. */
  readonly authoritative: boolean;
  readonly answers: readonly Rr[];
  readonly authority: readonly Rr[];
  readonly additional: readonly Rr[];
  /** The answers end with a CNAME to this name, which is not the cluster's. */
  readonly follow?: string;
}

export interface Zone {
  readonly records: Records;
  /** Ranges whose addresses are the cluster's to name: Services and pods. */
  readonly ranges: readonly Range[];
}

const chainMax = 8;

/** Where the cluster has the say: in its domain, or in the names of its addresses. `undefined`: others do. `name` is in lower case. */
function apexOf({ records, ranges }: Zone, name: string): string | undefined {
  if (isWithin(name, records.domain)) return records.domain;
  const address = reverseAddress(name);
  return address !== undefined && ranges.some((range) => rangeHas(range, address)) ? "in-addr.arpa" : undefined;
}

/** Is the name the cluster's, whether there is such a name or not? */
export function isOurs(zone: Zone, name: string): boolean {
  return apexOf(zone, name.toLowerCase()) !== undefined;
}

/** The answer, or `undefined` when the name is not the cluster's. */
export function resolve(zone: Zone, question: Question): Answer | undefined {
  const name = question.name.toLowerCase();
  const apex = apexOf(zone, name);
  return apex === undefined ? undefined : answerName(zone.records, question, name, apex);
}

/** The IPv4 address that a name in in-addr.arpa is about, as a number. */
function reverseAddress(name: string): number | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.in-addr\.arpa$/.exec(name);
  if (match === null) return undefined;
  const parts = match.slice(1).reverse().map(Number);
  return parts.some((part) => part > 255) ? undefined : parts.reduce((sum, part) => sum * 256 + part, 0);
}

function answerName(records: Records, question: Question, name: string, apex: string): Answer {
  const answers: Rr[] = [];
  let owner = question.name;
  let follow: string | undefined;
  for (let chain = 0; chain < chainMax; chain++) {
    const target = records.values(name, types.CNAME)[0];
    if (target === undefined || question.type === types.CNAME) {
      answers.push(...recordsFor(records, owner, name, question.type, apex));
      break;
    }
    answers.push(nameRr(owner, types.CNAME, target));
    if (!isWithin(target, records.domain)) {
      follow = target;
      break;
    }
    owner = name = target;
  }
  const known = records.has(name) || podAddress(records, name) !== undefined;
  const last = answers.at(-1);
  const empty = follow === undefined &&
    (last === undefined || (last.type === types.CNAME && question.type !== types.CNAME));
  return {
    rcode: known || follow !== undefined ? rcodes.NOERROR : rcodes.NXDOMAIN,
    authoritative: true,
    answers,
    authority: empty ? [soaRr(apex, records.generation, records.domain)] : [],
    additional: additionalFor(records, answers),
    ...(follow === undefined ? {} : { follow }),
  };
}

function recordsFor(records: Records, owner: string, name: string, type: number, apex: string): Rr[] {
  if (type === types.ANY) return records.types(name).flatMap((one) => recordsFor(records, owner, name, one, apex));
  if (type === types.SOA && name === apex) return [soaRr(owner, records.generation, records.domain)];
  const pod = podAddress(records, name);
  if (pod !== undefined) {
    const record = addressRr(owner, pod);
    return record.type === type ? [record] : [];
  }
  const values = records.values(name, type);
  switch (type) {
    case types.A:
    case types.AAAA:
      return turned(values, records, name).map((address) => addressRr(owner, address));
    case types.SRV:
      return values.map((value) => {
        const [port, target] = value.split(" ");
        // Weights add up to 100, as CoreDNS does it.
        const weight = Math.max(1, Math.floor(100 / values.length));
        return srvRr(owner, { priority: 0, weight, port: Number(port), target: target! });
      });
    case types.TXT:
      return values.map((text) => txtRr(owner, text));
    case types.PTR:
    case types.NS:
    case types.CNAME:
      return values.map((target) => nameRr(owner, type, target));
    default:
      return [];
  }
}

const turns = new WeakMap<Records, Map<string, number>>();
const turnsMax = 4_096;

/** Each answer begins with the next one, so that clients that take the first are spread. */
function turned(values: string[], records: Records, name: string): string[] {
  if (values.length < 2) return values;
  const known = turns.get(records) ?? new Map<string, number>();
  turns.set(records, known);
  if (known.size >= turnsMax && !known.has(name)) known.clear();
  const turn = (known.get(name) ?? -1) + 1;
  known.set(name, turn);
  const first = turn % values.length;
  return [...values.slice(first), ...values.slice(0, first)];
}

/** Addresses of the hosts that SRV records name. */
function additionalFor(records: Records, answers: readonly Rr[]): Rr[] {
  const additional: Rr[] = [];
  for (const answer of answers) {
    if (answer.type !== types.SRV) continue;
    const target = targetOfSrv(answer);
    for (const type of [types.A, types.AAAA]) {
      for (const address of records.values(target, type)) additional.push(addressRr(target, address));
    }
  }
  return additional;
}

function targetOfSrv(answer: Rr): string {
  let name = "";
  for (let at = 6; answer.data[at]! > 0; at += answer.data[at]! + 1) {
    const label = String.fromCharCode(...answer.data.subarray(at + 1, at + 1 + answer.data[at]!));
    name += (name === "" ? "" : ".") + label;
  }
  return name;
}

/** `10-1-2-3.NAMESPACE.pod.DOMAIN` says its own address, in every namespace that exists. */
function podAddress(records: Records, name: string): string | undefined {
  const suffix = `.pod.${records.domain}`;
  if (!name.endsWith(suffix)) return undefined;
  const [dashed, namespace, ...more] = name.slice(0, -suffix.length).split(".");
  if (namespace === undefined || more.length > 0 || !records.hasNamespace(namespace)) return undefined;
  if (/^\d{1,3}(-\d{1,3}){3}$/.test(dashed!)) {
    const address = dashed!.replaceAll("-", ".");
    return address.split(".").every((part) => Number(part) < 256 && String(Number(part)) === part)
      ? address
      : undefined;
  }
  const address = dashed!.replaceAll("-", ":");
  return ipv6Bytes(address) === undefined ? undefined : address;
}

/**
 * Is it the machine that it says it is? A node is a machine (by its /etc/machine-id): one that comes back with a new key or a new
 * address is let in, another one that takes its name is not. Pure.
 */
import type { Node } from "../../../lib/types/core_v1.ts";

export interface Applicant {
  readonly name: string;
  /** Empty when it says none. */
  readonly machine: string;
  /** Of a serving certificate. */
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  /** Where it says that it is reached. */
  readonly addresses: string;
}

/** What is known of those who have the name, or might. */
export interface Known {
  /** The Node of that name. */
  readonly node: Node | undefined;
  /** Who was let in with the name and has no Node yet. */
  readonly reserved: { readonly machine: string; readonly addresses: string } | undefined;
  /** The other Nodes that have one of the addresses. */
  readonly neighbours: readonly Node[];
}

export interface Refusal {
  readonly reason: string;
  readonly message: string;
}

const addressesOf = (node: Node) =>
  (node.status?.addresses ?? []).filter(({ type }) => type !== "Hostname").map(({ address }) => address).join(", ");
const isReady = (node: Node) =>
  node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") === true;
const at = (addresses: string) => addresses === "" ? "" : ` (${addresses})`;

/** Why it is not let in; `undefined` when it is. */
export function refusal(applicant: Applicant, known: Known): Refusal | undefined {
  return nameTaken(applicant, known) ?? foreignNames(applicant, known);
}

function nameTaken({ name, machine, addresses }: Applicant, { node, reserved }: Known): Refusal | undefined {
  const advice = "start this one with another --node-name";
  if (node !== undefined) {
    const other = node.status?.nodeInfo?.machineID ?? "";
    // Without an id on one side nothing can be compared: then a node that lives is taken for another machine.
    const differs = machine !== "" && other !== "" ? machine !== other : other !== machine && isReady(node);
    if (!differs) return undefined;
    return {
      reason: "NameTaken",
      message: `node ${name} is another machine${at(addressesOf(node))}, with machine id ${other || "(none)"}; ` +
        `this one's is ${
          machine || "(none)"
        }: ${advice}, or, if that machine is gone for good, first \`kubectl delete node ${name}\``,
    };
  }
  if (reserved === undefined) return undefined;
  if (machine !== "" ? reserved.machine === machine : reserved.addresses === addresses) return undefined;
  return {
    reason: "NameTaken",
    message: `another machine${at(reserved.addresses)} is joining as node ${name} at this moment: ${advice}`,
  };
}

function foreignNames({ name, dnsNames, ipAddresses }: Applicant, { neighbours }: Known): Refusal | undefined {
  const foreign = dnsNames.find((dns) => dns !== name);
  if (foreign !== undefined) {
    return { reason: "ForeignName", message: `a certificate of node ${name} can't be for the name ${foreign}` };
  }
  // A Node that is away may have lost its address to this one: leases end, machines are set up anew.
  const neighbour = neighbours.find((node) => node.metadata.name !== name && isReady(node));
  if (neighbour === undefined) return undefined;
  const owned = neighbour.status?.addresses?.map(({ address }) => address) ?? [];
  const address = ipAddresses.find((ip) => owned.includes(ip));
  return {
    reason: "ForeignAddress",
    message: `address ${address} is that of node ${neighbour.metadata.name}, which is Ready: ` +
      "start this one with its own --node-ip",
  };
}

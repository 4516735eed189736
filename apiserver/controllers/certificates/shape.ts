/**
 * What certificate a request asks for, and whether it is one that its signer gives (pkg/apis/certificates/helpers.go,
 * pkg/controller/certificates/signer). Pure.
 */
import * as signers from "../../../lib/join/signers.ts";
import type { RequestedSubject } from "../../../lib/pki/request.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";

type Subject = Omit<RequestedSubject, "request">;

const clientUsageSets = [["key encipherment", "digital signature", "client auth"], [
  "digital signature",
  "client auth",
]];
const servingUsageSets = [["key encipherment", "digital signature", "server auth"], [
  "digital signature",
  "server auth",
]];

const equalSets = (a: readonly string[], b: readonly string[]) =>
  new Set(a).size === new Set(b).size && a.every((one) => b.includes(one));
const oneOf = (sets: readonly (readonly string[])[], usages: readonly string[]) =>
  sets.some((set) => equalSets(set, usages));

/** The errors are Kubernetes'. `undefined`: it is as it should be. */
function clientErrors(subject: Subject, usages: readonly string[], group: string, prefix: string): string | undefined {
  const { organizations, commonName } = subject;
  if (organizations.length !== 1 || organizations[0] !== group) {
    return `subject organization is not ${group}`;
  }
  const names: [string, readonly string[]][] = [
    ["DNS", subject.dnsNames],
    ["email", subject.emailAddresses],
    ["IP", subject.ipAddresses],
    ["URI", subject.uris],
  ];
  const present = names.find(([, list]) => list.length > 0);
  if (present !== undefined) return `${present[0]} subjectAltNames are not allowed`;
  if (!commonName.startsWith(prefix)) return `subject common name does not begin with ${prefix}`;
  return oneOf(clientUsageSets, usages) ? undefined : "usages did not match digital signature, client auth";
}

function servingErrors(subject: Subject, usages: readonly string[]): string | undefined {
  const { organizations, commonName, dnsNames, ipAddresses, emailAddresses, uris } = subject;
  if (organizations.length !== 1 || organizations[0] !== signers.nodesGroup) {
    return "subject organization is not system:nodes";
  }
  if (dnsNames.length + ipAddresses.length === 0) return "DNS or IP subjectAltName is required";
  if (emailAddresses.length > 0) return "email subjectAltNames are not allowed";
  if (uris.length > 0) return "URI subjectAltNames are not allowed";
  if (!commonName.startsWith(signers.nodeUserPrefix)) return "subject common name does not begin with system:node:";
  return oneOf(servingUsageSets, usages) ? undefined : "usages did not match digital signature, server auth";
}

const plainClientUsages = new Set(["digital signature", "key encipherment", "client auth"]);

/** Why the signer does not sign it; `undefined` when it does. */
export function signerErrors(signer: string, subject: Subject, usages: readonly string[]): string | undefined {
  switch (signer) {
    case signers.nodeClientSigner:
      return clientErrors(subject, usages, signers.nodesGroup, signers.nodeUserPrefix);
    case signers.proxyClientSigner:
      return clientErrors(subject, usages, signers.proxiesGroup, signers.proxyUserPrefix);
    case signers.nodeServingSigner:
      return servingErrors(subject, usages);
    case signers.clientSigner:
      if (!usages.includes("client auth") || usages.some((usage) => !plainClientUsages.has(usage))) {
        return `invalid usage for client certificate: ${usages.join(", ")}`;
      }
      return undefined;
    default:
      return `unrecognized signerName: ${JSON.stringify(signer)}`;
  }
}

/** Those that the API server's authority signs for. */
export const ourSigners: readonly string[] = [
  signers.clientSigner,
  signers.nodeClientSigner,
  signers.nodeServingSigner,
  signers.proxyClientSigner,
];

/** What a node's request is for: whose, and the permission that its approval takes. */
export interface Recognized {
  readonly node: string;
  /** Of `certificatesigningrequests`, for `create`. */
  readonly permission: "nodeclient" | "selfnodeclient" | "selfnodeserver" | "proxyclient" | "selfproxyclient";
  /** The condition's message when it is approved. */
  readonly approval: string;
}

/** `undefined` for what nobody approves but a person. */
export function recognize(
  signer: string,
  subject: Subject,
  { usages, username }: { usages: readonly string[]; username: string },
): Recognized | undefined {
  if (signer === signers.clientSigner || signerErrors(signer, subject, usages) !== undefined) return undefined;
  const self = username === subject.commonName;
  const prefix = signer === signers.proxyClientSigner ? signers.proxyUserPrefix : signers.nodeUserPrefix;
  const node = subject.commonName.slice(prefix.length);
  if (isDNS1123Subdomain(node).length > 0) return undefined;
  const say = (what: string) => `Auto approving ${what} after SubjectAccessReview.`;
  switch (signer) {
    case signers.nodeClientSigner:
      return self
        ? { node, permission: "selfnodeclient", approval: say("self kubelet client certificate") }
        : { node, permission: "nodeclient", approval: say("kubelet client certificate") };
    case signers.nodeServingSigner:
      // Nobody may have a serving certificate made for somebody else.
      return self
        ? { node, permission: "selfnodeserver", approval: say("self kubelet serving certificate") }
        : undefined;
    default:
      if (self) return { node, permission: "selfproxyclient", approval: say("self proxy client certificate") };
      return username === signers.nodeUserPrefix + node
        ? { node, permission: "proxyclient", approval: say("the certificate of the node's own proxy") }
        : undefined;
  }
}

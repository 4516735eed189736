/**
 * Approves the certificates of nodes (pkg/controller/certificates/approver/sarapprove.go): those that a bootstrap token or a node may
 * have by the cluster's rules, when the machine is who it says it is. Unlike Kubernetes it also approves serving certificates, because
 * it knows which names and addresses are a node's own. What it does not recognize waits for `kubectl certificate approve`.
 */
import { type Controller, source, type WakeAt } from "../../../lib/controller/controller.ts";
import { addressesAnnotation, machineAnnotation } from "../../../lib/join/signers.ts";
import { deniedApprovalRetryMs } from "../../../lib/limits.ts";
import { readRequest } from "../../../lib/pki/request.ts";
import type { Instant } from "../../../lib/seams/clock.ts";
import type { CertificateSigningRequest } from "../../../lib/types/certificates_v1.ts";
import { CertificateSigningRequest as RequestKind } from "../../../lib/types/kinds.ts";
import type { Node } from "../../../lib/types/core_v1.ts";
import type { Informers } from "../informers.ts";
import type { Parts } from "../parts.ts";
import { type Applicant, type Known, refusal } from "./identity.ts";
import { conditionOf, withCondition } from "./request_status.ts";
import { Reservations } from "./reservations.ts";
import { recognize, type Recognized } from "./shape.ts";

export interface ApprovalView {
  request: CertificateSigningRequest;
  recognized: Recognized;
  /** May who asks have such a certificate at all? */
  permitted: boolean;
  /** `undefined`: an identity that is not to be compared. */
  applicant: Applicant | undefined;
  known: Known;
}

export type ApprovalAction =
  | { do: "approve"; request: CertificateSigningRequest; reserve: Applicant | undefined; why: string }
  | { do: "deny"; request: CertificateSigningRequest; why: string };

export function planApproval(view: ApprovalView, now: Instant): readonly (ApprovalAction | WakeAt)[] {
  const { request, recognized, permitted, applicant, known } = view;
  if (!permitted) {
    const why = `recognized as ${recognized.permission} but ${request.spec.username} may not create that`;
    return [{ do: "wakeAt", at: now + deniedApprovalRetryMs, why }];
  }
  const no = applicant && refusal(applicant, known);
  if (no !== undefined) {
    const denied = withCondition(request, { type: "Denied", ...no }, now);
    return [{ do: "deny", request: denied, why: no.message }];
  }
  const message = recognized.approval;
  const approved = withCondition(request, { type: "Approved", reason: "AutoApproved", message }, now);
  const reserve = recognized.permission === "nodeclient" && known.node === undefined ? applicant : undefined;
  return [{ do: "approve", request: approved, reserve, why: message }];
}

/** `undefined` when there is nothing to decide. */
function recognizedOf(
  request: CertificateSigningRequest,
): { recognized: Recognized; applicant?: Applicant } | undefined {
  const { spec, metadata } = request;
  try {
    const subject = readRequest(atob(spec.request));
    const usages = spec.usages ?? [];
    const recognized = recognize(spec.signerName, subject, { usages, username: spec.username ?? "" });
    if (recognized === undefined) return undefined;
    const machine = metadata.annotations?.[machineAnnotation];
    // Kubernetes' own kubelets say no machine: a key that a node has shown already speaks for itself.
    if (machine === undefined && recognized.permission !== "nodeclient") return { recognized };
    const addresses = metadata.annotations?.[addressesAnnotation] ?? "";
    const { dnsNames, ipAddresses } = subject;
    return {
      recognized,
      applicant: { name: recognized.node, machine: machine ?? "", dnsNames, ipAddresses, addresses },
    };
  } catch {
    // No request that could be read: the signer says so, should somebody approve it.
    return undefined;
  }
}

function neighboursOf(nodes: Informers["nodes"], ipAddresses: readonly string[]): Node[] {
  const wanted = new Set(ipAddresses.filter((ip) => !ip.startsWith("127.")));
  if (wanted.size === 0) return [];
  return [...nodes.list()].filter((node) => node.status?.addresses?.some(({ address }) => wanted.has(address)));
}

export function approvalController({ informers, config, clock }: Parts): Controller<ApprovalView, ApprovalAction> {
  const { nodes, certificateSigningRequests: requests } = informers;
  const reservations = new Reservations();
  nodes.onChange(({ key, old, now }) => {
    if (old === undefined && now !== undefined) reservations.release(key);
  });
  return {
    name: "certificate-approver",
    sources: [source(requests, ({ metadata }) => [metadata.name]), source(nodes, () => [])],
    view(key) {
      const request = requests.get(key);
      if (request === undefined || conditionOf(request, "Approved") || conditionOf(request, "Denied")) return undefined;
      const found = recognizedOf(request);
      if (found === undefined) return undefined;
      const { recognized, applicant } = found;
      const { username = "", groups = [], uid, extra } = request.spec;
      const permitted = config.certificates.allows({ name: username, groups, uid, extra }, recognized.permission);
      const known: Known = {
        node: nodes.get(recognized.node),
        reserved: reservations.of(recognized.node, clock.now()),
        neighbours: neighboursOf(nodes, applicant?.ipAddresses ?? []),
      };
      return { request, recognized, permitted, applicant, known };
    },
    plan: planApproval,
    async execute(action, client) {
      // Before anything is awaited: the plan of the next request for this name must see it.
      if (action.do === "approve" && action.reserve !== undefined) {
        reservations.reserve(action.reserve.name, action.reserve, clock.now());
      }
      await client.update(RequestKind, action.request, { subresource: "approval" });
    },
  };
}

/** Who approves and who signs certificates must be allowed to for that signer (plugin/pkg/admission/certificates: approval, signing). */
import { deepEqual } from "../../lib/patch/equal.ts";
import type { CertificateSigningRequest } from "../../lib/types/certificates_v1.ts";
import { forbidden } from "./forbidden.ts";
import type { Permissions } from "./permissions.ts";
import type { AdmissionPlugin, Attributes } from "./plugin.ts";

const group = "certificates.k8s.io";

export function certificateApproval(permissions: Permissions): AdmissionPlugin {
  return {
    name: "CertificateApproval",
    validate(attributes) {
      if (isUpdateOf(attributes, "approval")) demand(attributes, permissions, "approve");
    },
  };
}

export function certificateSigning(permissions: Permissions): AdmissionPlugin {
  return {
    name: "CertificateSigning",
    validate(attributes) {
      if (!isUpdateOf(attributes, "status")) return;
      const [now, old] = [attributes.object, attributes.old].map((object) => {
        const { certificate, conditions = [] } = (object as unknown as CertificateSigningRequest).status ?? {};
        return { certificate, failed: conditions.filter(({ type }) => type === "Failed") };
      });
      if (!deepEqual(now, old)) demand(attributes, permissions, "sign");
    },
  };
}

function isUpdateOf({ resource, operation, subresource }: Attributes, part: string): boolean {
  return resource.group === group && resource.plural === "certificatesigningrequests" && operation === "UPDATE" &&
    subresource === part;
}

function demand(attributes: Attributes, permissions: Permissions, verb: "approve" | "sign"): void {
  // What was asked for, not what the answer says was asked for.
  const { signerName } = (attributes.old as unknown as CertificateSigningRequest).spec;
  const anyOfDomain = `${signerName.slice(0, signerName.indexOf("/"))}/*`;
  const may = [signerName, anyOfDomain].some((object) =>
    permissions.may(attributes.user, { verb, path: "", resource: { group, name: "signers", object } })
  );
  if (may) return;
  throw forbidden(attributes, `user not permitted to ${verb} requests with signerName ${JSON.stringify(signerName)}`);
}

/** Nobody gets a client certificate of the group that may do everything (plugin/pkg/admission/certificates/subjectrestriction). */
import { clientSigner } from "../../lib/join/signers.ts";
import { readRequest } from "../../lib/pki/request.ts";
import type { CertificateSigningRequest } from "../../lib/types/certificates_v1.ts";
import { forbidden } from "./forbidden.ts";
import type { AdmissionPlugin, Attributes } from "./plugin.ts";

export const certificateSubjectRestriction: AdmissionPlugin = {
  name: "CertificateSubjectRestriction",
  validate(attributes: Attributes) {
    const { resource, operation, subresource, object } = attributes;
    if (resource.group !== "certificates.k8s.io" || resource.plural !== "certificatesigningrequests") return;
    if (operation !== "CREATE" || subresource !== undefined) return;
    const { spec } = object as unknown as CertificateSigningRequest;
    if (spec.signerName !== clientSigner) return;
    let organizations: readonly string[];
    try {
      ({ organizations } = readRequest(atob(spec.request)));
    } catch (error) {
      throw forbidden(attributes, `failed to parse CSR: ${(error as Error).message}`);
    }
    if (!organizations.includes("system:masters")) return;
    throw forbidden(attributes, `use of ${clientSigner} signer with system:masters group is not allowed`);
  },
};

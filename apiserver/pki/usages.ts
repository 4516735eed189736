/** The usages of a CertificateSigningRequest (k8s.io/api/certificates/v1, KeyUsage) as extensions of a certificate. Pure. */
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

const { KeyUsageFlags: flags, ExtendedKeyUsage: extended } = x509;

const keyUsages: Readonly<Record<string, number>> = {
  "signing": flags.digitalSignature,
  "digital signature": flags.digitalSignature,
  "content commitment": flags.nonRepudiation,
  "key encipherment": flags.keyEncipherment,
  "key agreement": flags.keyAgreement,
  "data encipherment": flags.dataEncipherment,
  "cert sign": flags.keyCertSign,
  "crl sign": flags.cRLSign,
  "encipher only": flags.encipherOnly,
  "decipher only": flags.decipherOnly,
};

const extendedUsages: Readonly<Record<string, string>> = {
  "any": "2.5.29.37.0",
  "server auth": extended.serverAuth,
  "client auth": extended.clientAuth,
  "code signing": extended.codeSigning,
  "email protection": extended.emailProtection,
  "s/mime": extended.emailProtection,
  "ipsec end system": "1.3.6.1.5.5.7.3.5",
  "ipsec tunnel": "1.3.6.1.5.5.7.3.6",
  "ipsec user": "1.3.6.1.5.5.7.3.7",
  "timestamping": extended.timeStamping,
  "ocsp signing": extended.ocspSigning,
  "microsoft sgc": "1.3.6.1.4.1.311.10.3.3",
  "netscape sgc": "2.16.840.1.113730.4.1",
};

/** Throws for a usage that there is not. */
export function usageExtensions(usages: readonly string[]): x509.Extension[] {
  const unknown = usages.find((usage) => !Object.hasOwn(keyUsages, usage) && !Object.hasOwn(extendedUsages, usage));
  if (unknown !== undefined) throw new Error(`unrecognized usage values: ${JSON.stringify(unknown)}`);
  const bits = usages.reduce((sum, usage) => sum | (keyUsages[usage] ?? 0), 0);
  const purposes = [...new Set(usages.flatMap((usage) => extendedUsages[usage] ?? []))];
  return [
    ...(bits === 0 ? [] : [new x509.KeyUsagesExtension(bits, true)]),
    ...(purposes.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension(purposes)]),
  ];
}

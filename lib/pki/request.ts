/** Keys and certificate signing requests (PKCS #10): made by who wants a certificate, read by who approves and signs. ECDSA P-256. */
import "reflect-metadata";
import * as x509 from "@peculiar/x509";

x509.cryptoProvider.set(crypto);

export const keyAlgorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

export interface RequestSubject {
  /** The user's name, or the server's. */
  commonName: string;
  /** A user's groups. */
  organizations?: readonly string[];
  /** DNS names and IP addresses that a server answers to. */
  names?: readonly string[];
}

/** What a request asks for. */
export interface RequestedSubject {
  /** Empty when there is none. */
  readonly commonName: string;
  readonly organizations: readonly string[];
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly uris: readonly string[];
}

/** One certificate to be signed: the request has been approved by then. */
export interface CertificateOrder {
  /** PEM. */
  readonly request: string;
  /** As a CertificateSigningRequest has them: `client auth`, `digital signature`, … */
  readonly usages: readonly string[];
  readonly lifetimeMs: number;
}

/** A new private key, PEM (PKCS #8). */
export async function createKey(): Promise<string> {
  const { privateKey } = await crypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]) as CryptoKeyPair;
  return await keyPem(privateKey);
}

export async function keyPem(key: CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY") + "\n";
}

/** A private key for signing. Throws for what is no PKCS #8 PEM of an ECDSA P-256 key. */
export async function importKey(pem: string): Promise<CryptoKey> {
  const [der] = x509.PemConverter.decode(pem);
  return await crypto.subtle.importKey("pkcs8", der!, keyAlgorithm, true, ["sign"]);
}

/** The key pair of a private key: its public half is in the key itself. */
async function keysOf(pem: string): Promise<CryptoKeyPair> {
  const privateKey = await importKey(pem);
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", privateKey);
  const publicKey = await crypto.subtle.importKey("jwk", { kty, crv, x, y, ext: true }, keyAlgorithm, true, ["verify"]);
  return { privateKey, publicKey };
}

/** A request for `subject`, signed with the key that will be the certificate's. PEM. */
export async function createRequest(key: string, subject: RequestSubject): Promise<string> {
  const { commonName, organizations = [], names = [] } = subject;
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: [...organizations.map((O) => ({ O: [O] })), { CN: [commonName] }],
    keys: await keysOf(key),
    signingAlgorithm: keyAlgorithm,
    extensions: names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names.map(alternativeName))],
  });
  return request.toString("pem") + "\n";
}

export function alternativeName(name: string): x509.JsonGeneralName {
  return { type: /^[\d.]+$|:/.test(name) ? "ip" : "dns", value: name };
}

/** What a request asks for; its signature is not looked at. Throws for what is no request. */
export function readRequest(pem: string): RequestedSubject & { request: x509.Pkcs10CertificateRequest } {
  const request = decoded(pem);
  const alternative = [...request.extensions].flatMap((extension) =>
    extension instanceof x509.SubjectAlternativeNameExtension ? extension.names.items : []
  );
  const of = (type: string) => alternative.filter((item) => item.type === type).map((item) => item.value);
  return {
    request,
    commonName: request.subjectName.getField("CN")[0] ?? "",
    organizations: request.subjectName.getField("O"),
    dnsNames: of("dns"),
    ipAddresses: of("ip"),
    emailAddresses: of("email"),
    uris: of("url"),
  };
}

function decoded(pem: string): x509.Pkcs10CertificateRequest {
  if (!pem.includes("-----BEGIN CERTIFICATE REQUEST-----")) {
    throw new Error("PEM block type must be CERTIFICATE REQUEST");
  }
  try {
    return new x509.Pkcs10CertificateRequest(pem);
  } catch (error) {
    throw new Error(`unable to parse csr: ${(error as Error).message}`);
  }
}

/** As readRequest(). Throws when it is not signed with the key that it is for. */
export async function verifiedRequest(pem: string): Promise<ReturnType<typeof readRequest>> {
  const read = readRequest(pem);
  if (!await read.request.verify()) throw new Error("unable to parse csr: its signature is not by its own key");
  return read;
}

/** Keys and certificates: makes a certificate authority and signs leaves with it. ECDSA P-256, as Kubernetes' own tools choose. */
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import type { Random } from "../../lib/seams/random.ts";

x509.cryptoProvider.set(crypto);

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const dayMs = 86_400_000;
/** The authority outlives every leaf. */
const authorityDays = 3650;
export const leafDays = 365;

/** A certificate and its private key, PEM. */
export interface KeyPair {
  cert: string;
  key: string;
}

export interface Subject {
  /** The user's name, or the server's. */
  commonName: string;
  /** A user's groups. */
  organizations?: readonly string[];
}

export interface LeafOptions {
  usage: "client" | "server" | "both";
  /** DNS names and IP addresses that a server answers to. */
  names?: readonly string[];
  days?: number;
}

export interface Authority {
  readonly cert: string;
  issue(subject: Subject, options: LeafOptions): Promise<KeyPair>;
  /** SHA-256 of the certificate's public key (SPKI), hex: what a join string pins (RFC 7469). */
  readonly publicKeyHash: string;
}

/** Not after, ms since 1970. */
export function expiry(cert: string): number {
  return new x509.X509Certificate(cert).notAfter.getTime();
}

/** True when less than a third of a certificate's life is left. */
export function isDue(cert: string, now: number): boolean {
  const { notBefore, notAfter } = new x509.X509Certificate(cert);
  return now > notAfter.getTime() - (notAfter.getTime() - notBefore.getTime()) / 3;
}

/** The IP addresses and DNS names that a certificate is for. */
export function namesOf(cert: string): string[] {
  const extension = new x509.X509Certificate(cert).getExtension(x509.SubjectAlternativeNameExtension);
  return extension?.names.items.map((item) => item.value) ?? [];
}

/** A new self-signed authority. */
export async function createAuthority(commonName: string, now: number, random: Random): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as CryptoKeyPair;
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(random),
    name: [{ CN: [commonName] }],
    ...validity(now, authorityDays),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 1, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign | x509.KeyUsageFlags.digitalSignature,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cert: pem(cert), key: await keyPem(keys.privateKey) };
}

/** An authority from its PEM files. */
export async function loadAuthority(
  { cert, key }: KeyPair,
  clock: { now(): number },
  random: Random,
): Promise<Authority> {
  const issuer = new x509.X509Certificate(cert);
  const signingKey = await importKey(key);
  const spki = new Uint8Array(await crypto.subtle.digest("SHA-256", issuer.publicKey.rawData));
  return {
    cert,
    publicKeyHash: [...spki].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
    async issue(subject, options) {
      const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as CryptoKeyPair;
      const leaf = await x509.X509CertificateGenerator.create({
        serialNumber: serial(random),
        subject: [{ CN: [subject.commonName] }, ...(subject.organizations ?? []).map((O) => ({ O: [O] }))],
        issuer: issuer.subject,
        publicKey: keys.publicKey,
        signingKey,
        signingAlgorithm: algorithm,
        ...validity(clock.now(), options.days ?? leafDays),
        extensions: [
          new x509.BasicConstraintsExtension(false, undefined, true),
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension(usages(options.usage)),
          ...(options.names ? [new x509.SubjectAlternativeNameExtension(options.names.map(alternativeName))] : []),
          await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
        ],
      });
      return { cert: pem(leaf), key: await keyPem(keys.privateKey) };
    },
  };
}

function usages(usage: LeafOptions["usage"]): string[] {
  const { clientAuth, serverAuth } = x509.ExtendedKeyUsage;
  return usage === "both" ? [clientAuth, serverAuth] : usage === "client" ? [clientAuth] : [serverAuth];
}

function alternativeName(name: string): x509.JsonGeneralName {
  return { type: /^[\d.]+$|:/.test(name) ? "ip" : "dns", value: name };
}

/** An hour back: hosts' clocks differ. */
function validity(now: number, days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now - 3_600_000), notAfter: new Date(now + days * dayMs) };
}

function serial(random: Random): string {
  const bytes = random.bytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40; // positive, and of full length
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function pem(cert: x509.X509Certificate): string {
  return cert.toString("pem") + "\n";
}

async function keyPem(key: CryptoKey): Promise<string> {
  return x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY") + "\n";
}

async function importKey(text: string): Promise<CryptoKey> {
  const [der] = x509.PemConverter.decode(text);
  return await crypto.subtle.importKey("pkcs8", der!, algorithm, true, ["sign"]);
}

/** Keys and certificates: makes a certificate authority and signs leaves with it. ECDSA P-256, as Kubernetes' own tools choose. */
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { expiry, publicKeyHash } from "../../lib/pki/certificate.ts";
import {
  alternativeName,
  type CertificateOrder,
  importKey,
  keyAlgorithm as algorithm,
  keyPem,
  verifiedRequest,
} from "../../lib/pki/request.ts";
import type { Random } from "../../lib/seams/random.ts";
import { usageExtensions } from "./usages.ts";

import type { KeyPair } from "../../lib/pki/pair_file.ts";

export type { KeyPair };
export { commonNameOf, expiry, isDue, isOutOfDate, namesOf } from "../../lib/pki/certificate.ts";

const dayMs = 86_400_000;
/** The authority outlives every leaf. */
const authorityDays = 3650;
export const leafDays = 365;

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
  /** Signs what was approved: subject and names of the request, its key, the usages of the order. PEM. Throws for no request. */
  sign(order: CertificateOrder): Promise<string>;
  /** SHA-256 of the certificate's public key (SPKI), hex: what a join string pins (RFC 7469). */
  readonly publicKeyHash: string;
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
  const authorityKey = await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey);
  const sign = (leaf: Omit<x509.X509CertificateCreateWithKeyParams, "signingKey">) =>
    x509.X509CertificateGenerator.create({
      serialNumber: serial(random),
      issuer: issuer.subject,
      signingKey,
      signingAlgorithm: algorithm,
      ...leaf,
      extensions: [new x509.BasicConstraintsExtension(false, undefined, true), ...leaf.extensions ?? [], authorityKey],
    });
  return {
    cert,
    publicKeyHash: publicKeyHash(cert),
    async issue(subject, options) {
      const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as CryptoKeyPair;
      const leaf = await sign({
        subject: [{ CN: [subject.commonName] }, ...(subject.organizations ?? []).map((O) => ({ O: [O] }))],
        publicKey: keys.publicKey,
        ...validity(clock.now(), options.days ?? leafDays),
        extensions: [
          new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
          new x509.ExtendedKeyUsageExtension(usages(options.usage)),
          ...(options.names ? [new x509.SubjectAlternativeNameExtension(options.names.map(alternativeName))] : []),
        ],
      });
      return { cert: pem(leaf), key: await keyPem(keys.privateKey) };
    },
    async sign({ request: text, usages, lifetimeMs }) {
      const { request } = await verifiedRequest(text);
      const names = request.extensions.filter((extension) => extension instanceof x509.SubjectAlternativeNameExtension);
      const now = clock.now();
      const leaf = await sign({
        subject: request.subject,
        publicKey: request.publicKey,
        notBefore: new Date(now - Math.min(backdateMs, lifetimeMs / 2)),
        notAfter: new Date(Math.min(now + lifetimeMs, expiry(cert))),
        extensions: [...usageExtensions(usages), ...names],
      });
      return pem(leaf);
    },
  };
}

function usages(usage: LeafOptions["usage"]): string[] {
  const { clientAuth, serverAuth } = x509.ExtendedKeyUsage;
  return usage === "both" ? [clientAuth, serverAuth] : usage === "client" ? [clientAuth] : [serverAuth];
}

/** Certificates are good from an hour back: hosts' clocks differ. */
const backdateMs = 3_600_000;

function validity(now: number, days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now - backdateMs), notAfter: new Date(now + days * dayMs) };
}

function serial(random: Random): string {
  const bytes = random.bytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40; // positive, and of full length
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function pem(cert: x509.X509Certificate): string {
  return cert.toString("pem") + "\n";
}

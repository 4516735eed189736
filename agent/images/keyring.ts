/**
 * Passwords of registries from secrets of the types kubernetes.io/dockerconfigjson and kubernetes.io/dockercfg, and which
 * of them are for an image. The rules are those of k8s.io/kubernetes/pkg/credentialprovider.
 * Left out: credential helpers and exec plugins.
 */
import type { RegistryAuth } from "../engine/engine.ts";
import { imagePullCredentialsMax } from "../../lib/limits.ts";
import type { Reference } from "./reference.ts";

interface Entry {
  username?: string;
  password?: string;
  auth?: string;
  identitytoken?: string;
}

/** A secret is not what its type says. The message has no part of its content. */
export class KeyringError extends Error {
  override name = "KeyringError";
}

export interface PullSecret {
  readonly name: string;
  readonly type?: string;
  /** Values in base64, as in the API. */
  readonly data?: Readonly<Record<string, string>>;
}

interface Credential {
  /** Host (each of its parts may have globs), port and path prefix: `*.example.com:5000/team`. */
  readonly pattern: string;
  readonly auth: RegistryAuth;
}

export class Keyring {
  private constructor(private readonly credentials: readonly Credential[]) {}

  static readonly empty = new Keyring([]);

  /** Secrets of other types are skipped, as the kubelet does. Throws KeyringError. */
  static of(secrets: readonly PullSecret[]): Keyring {
    return new Keyring(
      secrets.flatMap((secret) => credentialsOf(secret))
        // Reverse order, so that a longer pattern comes before its prefix.
        .sort((a, b) => a.pattern < b.pattern ? 1 : a.pattern > b.pattern ? -1 : 0),
    );
  }

  /** The most specific first; empty when none is for this image. */
  lookup(reference: Reference): readonly RegistryAuth[] {
    const host = reference.domain === "docker.io" ? "index.docker.io" : reference.domain;
    const target = `${host}/${reference.path}`;
    return this.credentials.filter(({ pattern }) => matches(pattern, target)).map(({ auth }) => auth)
      .slice(0, imagePullCredentialsMax);
  }
}

function credentialsOf(secret: PullSecret): Credential[] {
  const modern = secret.type === "kubernetes.io/dockerconfigjson";
  if (!modern && secret.type !== "kubernetes.io/dockercfg") return [];
  const encoded = secret.data?.[modern ? ".dockerconfigjson" : ".dockercfg"];
  if (encoded === undefined) return [];
  try {
    const json = JSON.parse(decodeBase64(encoded));
    const auths: Record<string, Entry> = (modern ? json.auths : json) ?? {};
    return Object.entries(auths).map(([registry, entry]) => ({
      pattern: patternOf(registry),
      auth: authOf(registry, entry),
    }));
  } catch (error) {
    throw new KeyringError(`secret ${secret.name} of type ${secret.type} can't be read`, {
      cause: withoutContent(error),
    });
  }
}

/** A parser's message may quote what it parsed. */
function withoutContent(error: unknown): Error {
  return new Error(error instanceof Error ? error.name : "unknown error");
}

function decodeBase64(text: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(text.trim()), (character) => character.charCodeAt(0)));
}

function authOf(registry: string, entry: Entry): RegistryAuth {
  const [, username, password] = entry.auth === undefined
    ? []
    : decodeBase64(entry.auth).match(/^([^:]*):(.*)$/s) ?? [];
  return {
    username: entry.username ?? username,
    password: entry.password ?? password?.replace(/\0+$/, ""),
    identityToken: entry.identitytoken,
    serverAddress: registry,
  };
}

/** `https://index.docker.io/v1/` → `index.docker.io`; the v1 and v2 of old clients say nothing about a path. */
function patternOf(registry: string): string {
  const bare = registry.replace(/^https?:\/\//, "").replace(/\/+$/, "").replace(/\/v[12]$/, "");
  return bare === "docker.io" || bare.startsWith("docker.io/") ? `index.${bare}` : bare;
}

function matches(pattern: string, target: string): boolean {
  const [patternHost, patternPath] = cut(pattern);
  const [targetHost, targetPath] = cut(target);
  const [patternName, patternPort] = patternHost.split(":");
  const [targetName, targetPort] = targetHost.split(":");
  if (patternPort !== undefined && patternPort !== targetPort) return false;
  if (patternPort === undefined && targetPort !== undefined) return false;
  const [wanted, parts] = [patternName!.split("."), targetName!.split(".")];
  if (wanted.length !== parts.length) return false;
  if (!wanted.every((part, i) => glob(part).test(parts[i]!))) return false;
  return patternPath === "" || targetPath === patternPath || targetPath.startsWith(`${patternPath}/`);
}

function cut(text: string): [host: string, path: string] {
  const slash = text.indexOf("/");
  return slash < 0 ? [text, ""] : [text.slice(0, slash), text.slice(slash + 1)];
}

function glob(part: string): RegExp {
  const escaped = part.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${escaped.replaceAll("*", ".*").replaceAll("?", ".")}$`);
}

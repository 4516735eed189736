/**
 * Names of images: `nginx` → `docker.io/library/nginx:latest`. The rules are those of github.com/distribution/reference.
 * Left out: multi-algorithm digests other than what engines take (sha256, sha512).
 */

export interface Reference {
  /** `docker.io`, `localhost`, `registry.example.com:5000` */
  readonly domain: string;
  /** `library/nginx` */
  readonly path: string;
  /** `latest` is filled in when there is neither tag nor digest. */
  readonly tag?: string;
  /** `sha256:…` */
  readonly digest?: string;
}

/** Not the name of an image. `reason` is what Kubernetes puts in a waiting container's state. */
export class InvalidReferenceError extends Error {
  override name = "InvalidReferenceError";
  readonly reason = "InvalidImageName";
}

const domainComponent = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const domainPattern = new RegExp(`^(?:${domainComponent}(?:\\.${domainComponent})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const pathComponent = "[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*";
const pathPattern = new RegExp(`^${pathComponent}(?:/${pathComponent})*$`);
const tagPattern = /^[\w][\w.-]{0,127}$/;
const digestPattern = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;
const nameBytesMax = 255;

/** Parses and completes a name as a user writes it. Throws InvalidReferenceError. */
export function parseReference(text: string): Reference {
  const fail = (why: string) => {
    throw new InvalidReferenceError(`couldn't parse image name ${JSON.stringify(text)}: ${why}`);
  };
  if (text === "") fail("invalid reference format: it is empty");
  if (text.trim() !== text) fail("invalid reference format: it begins or ends with white space");
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  if (digest !== undefined && !digestPattern.test(digest)) fail("invalid reference format: bad digest");
  const named = at < 0 ? text : text.slice(0, at);
  if (/^[0-9a-f]{64}$/.test(named)) fail("it is the id of an image, not a name");
  const colon = named.lastIndexOf(":");
  const hasTag = colon > named.lastIndexOf("/");
  const tag = hasTag ? named.slice(colon + 1) : undefined;
  if (tag !== undefined && !tagPattern.test(tag)) fail("invalid reference format: bad tag");
  const [domain, path] = splitDomain(hasTag ? named.slice(0, colon) : named);
  if (!domainPattern.test(domain)) fail(`invalid reference format: bad registry ${JSON.stringify(domain)}`);
  if (path.toLowerCase() !== path) fail("invalid reference format: repository name must be lowercase");
  if (!pathPattern.test(path)) fail("invalid reference format");
  if (domain.length + 1 + path.length > nameBytesMax) {
    fail(`repository name must not be more than ${nameBytesMax} characters`);
  }
  return {
    domain,
    path,
    ...(tag === undefined && digest === undefined ? { tag: "latest" } : tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** The first part is a registry when it looks like a host: a dot, a port, or `localhost`. */
function splitDomain(name: string): [domain: string, path: string] {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const isDomain = first.includes(".") || first.includes(":") || first === "localhost" || first.toLowerCase() !== first;
  const domain = isDomain ? first : "docker.io";
  const path = isDomain ? name.slice(slash + 1) : name;
  if (domain === "docker.io" || domain === "index.docker.io") {
    return ["docker.io", path.includes("/") ? path : `library/${path}`];
  }
  return [domain, path];
}

/** `docker.io/library/nginx`: registry and repository. */
export function repositoryOf(reference: Reference): string {
  return `${reference.domain}/${reference.path}`;
}

/** Complete, and what an engine is asked for: with a digest the tag is left out, since the digest says more. */
export function formatReference(reference: Reference): string {
  const name = repositoryOf(reference);
  return reference.digest !== undefined ? `${name}@${reference.digest}` : `${name}:${reference.tag}`;
}

/** The complete form of a name; ids (`sha256:…`, 64 hex digits) stay as they are. Throws InvalidReferenceError. */
export function normalizeReference(text: string): string {
  return /^(?:sha256:)?[0-9a-f]{64}$/.test(text) ? text : formatReference(parseReference(text));
}

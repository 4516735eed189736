/**
 * The tag of an image's name, as far as the default of imagePullPolicy depends on it
 * (k8s.io/kubernetes/pkg/util/parsers, which uses github.com/distribution/reference). Leaves out pulling.
 */

const component = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const host = `(?:${component}(?:\\.${component})*|\\[(?:[a-fA-F0-9:]+)\\])`;
const pathComponent = "[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*";
const tag = "[\\w][\\w.-]{0,127}";
const digest = "[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}";
const reference = new RegExp(
  `^(${host}(?::[0-9]+)?/${pathComponent}(?:/${pathComponent})*)(?::(${tag}))?(?:@(${digest}))?$`,
);
const nameCharactersMax = 255;
/** Longer texts are no image names, and no work for a regular expression. */
const referenceCharactersMax = 4096;

/** `latest` when neither a tag nor a digest is given; empty for a digest without a tag, and for what is no image name. */
export function imageTag(image: string): string {
  if (image.length > referenceCharactersMax || /^[a-f0-9]{64}$/.test(image)) return "";
  const match = reference.exec(withDomain(image));
  if (match === null || match[1]!.length > nameCharactersMax) return "";
  return match[2] ?? (match[3] === undefined ? "latest" : "");
}

/** `nginx` is `docker.io/library/nginx`. What precedes the first slash is a domain when it looks like one. */
function withDomain(image: string): string {
  const slash = image.indexOf("/");
  const first = image.slice(0, Math.max(slash, 0));
  const isDomain = slash > 0 && (/[.:]/.test(first) || first === "localhost" || first.toLowerCase() !== first);
  if (isDomain) return image;
  return slash < 0 ? `docker.io/library/${image}` : `docker.io/${image}`;
}

/**
 * Checks of names, labels, ports and the like: each answers with what is wrong, in the words of
 * k8s.io/apimachinery/pkg/util/validation, and with nothing when all is well. Leaves out anything that knows a kind.
 */

const qualifiedNameFormat = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const dns1123LabelFormat = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const dns1123SubdomainFormat = `${dns1123LabelFormat}(\\.${dns1123LabelFormat})*`;
const dns1035LabelFormat = "[a-z]([-a-z0-9]*[a-z0-9])?";
const labelValueFormat = `(${qualifiedNameFormat})?`;
const wildcardFormat = `\\*\\.${dns1123SubdomainFormat}`;
const cIdentifierFormat = "[A-Za-z_][A-Za-z0-9_]*";
const percentFormat = "[0-9]+%";
const headerNameFormat = "[-A-Za-z0-9]+";
const envVarNameFormat = "[-._a-zA-Z][-._a-zA-Z0-9]*";
const configMapKeyFormat = "[-._a-zA-Z0-9]+";
const httpPathFormat = "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+";

const whole = (format: string) => new RegExp(`^(?:${format})$`);
const qualifiedName = whole(qualifiedNameFormat);
const dns1123Label = whole(dns1123LabelFormat);
const dns1123Subdomain = whole(dns1123SubdomainFormat);
const dns1035Label = whole(dns1035LabelFormat);
const labelValue = whole(labelValueFormat);
const wildcard = whole(wildcardFormat);
const cIdentifier = whole(cIdentifierFormat);
const percent = whole(percentFormat);
const headerName = whole(headerNameFormat);
const envVarName = whole(envVarNameFormat);
const configMapKey = whole(configMapKeyFormat);
const httpPath = whole(httpPathFormat);

const qualifiedNameMessage =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

export const dns1123LabelBytesMax = 63;
export const dns1123SubdomainBytesMax = 253;
export const labelValueBytesMax = 63;

const encoder = new TextEncoder();

/** Length in UTF-8 bytes: what Go's len() counts. */
export function utf8Length(text: string): number {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return encoder.encode(text).length;
  return text.length;
}

export function maxLengthError(bytes: number): string {
  return `must be no more than ${bytes} bytes`;
}

export function inclusiveRangeError(low: number, high: number): string {
  return `must be between ${low} and ${high}, inclusive`;
}

export const emptyError = "must be non-empty";

/** `message (e.g. 'a',  or 'b', regex used for validation is '…')`: the spaces are Kubernetes' own. */
export function regexError(message: string, format: string, ...examples: string[]): string {
  if (examples.length === 0) return `${message} (regex used for validation is '${format}')`;
  const list = examples.map((e) => `'${e}', `).join(" or ");
  return `${message} (e.g. ${list}regex used for validation is '${format}')`;
}

interface Rule {
  readonly bytesMax?: number;
  readonly pattern: RegExp;
  readonly format: string;
  readonly message: string;
  readonly examples: readonly string[];
}

function check(value: string, rule: Rule): string[] {
  const errors: string[] = [];
  if (rule.bytesMax !== undefined && utf8Length(value) > rule.bytesMax) errors.push(maxLengthError(rule.bytesMax));
  // A pattern with nested repetition is only tried on short texts: refused ones have been named already.
  if (value.length > 4096 || !rule.pattern.test(value)) {
    errors.push(regexError(rule.message, rule.format, ...rule.examples));
  }
  return errors;
}

const rules = {
  dns1123Label: {
    bytesMax: dns1123LabelBytesMax,
    pattern: dns1123Label,
    format: dns1123LabelFormat,
    message:
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
    examples: ["my-name", "123-abc"],
  },
  dns1123Subdomain: {
    bytesMax: dns1123SubdomainBytesMax,
    pattern: dns1123Subdomain,
    format: dns1123SubdomainFormat,
    message:
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
    examples: ["example.com"],
  },
  dns1035Label: {
    bytesMax: dns1123LabelBytesMax,
    pattern: dns1035Label,
    format: dns1035LabelFormat,
    message:
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
    examples: ["my-name", "abc-123"],
  },
  wildcard: {
    bytesMax: dns1123SubdomainBytesMax,
    pattern: wildcard,
    format: wildcardFormat,
    message:
      "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character",
    examples: ["*.example.com"],
  },
  labelValue: {
    bytesMax: labelValueBytesMax,
    pattern: labelValue,
    format: labelValueFormat,
    message:
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
    examples: ["MyValue", "my_value", "12345"],
  },
  cIdentifier: {
    pattern: cIdentifier,
    format: cIdentifierFormat,
    message:
      "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_'",
    examples: ["my_name", "MY_NAME", "MyName"],
  },
  percent: {
    pattern: percent,
    format: percentFormat,
    message: "a valid percent string must be a numeric string followed by an ending '%'",
    examples: ["1%", "93%"],
  },
  headerName: {
    pattern: headerName,
    format: headerNameFormat,
    message: "a valid HTTP header must consist of alphanumeric characters or '-'",
    examples: ["X-Header-Name"],
  },
  envVarName: {
    pattern: envVarName,
    format: envVarNameFormat,
    message:
      "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not start with a digit",
    examples: ["my.env-name", "MY_ENV.NAME", "MyEnvName1"],
  },
  configMapKey: {
    bytesMax: dns1123SubdomainBytesMax,
    pattern: configMapKey,
    format: configMapKeyFormat,
    message: "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
    examples: ["key.name", "KEY_NAME", "key-name"],
  },
} satisfies Record<string, Rule>;

export const isDNS1123Label = (value: string): string[] => check(value, rules.dns1123Label);
export const isDNS1123Subdomain = (value: string): string[] => check(value, rules.dns1123Subdomain);
export const isDNS1035Label = (value: string): string[] => check(value, rules.dns1035Label);
export const isWildcardDNS1123Subdomain = (value: string): string[] => check(value, rules.wildcard);
export const isValidLabelValue = (value: string): string[] => check(value, rules.labelValue);
export const isCIdentifier = (value: string): string[] => check(value, rules.cIdentifier);
export const isValidPercent = (value: string): string[] => check(value, rules.percent);
export const isHTTPHeaderName = (value: string): string[] => check(value, rules.headerName);
export const isEnvVarName = (value: string): string[] => [...check(value, rules.envVarName), ...dotErrors(value)];
export const isConfigMapKey = (value: string): string[] => [...check(value, rules.configMapKey), ...dotErrors(value)];

/** `name` or `prefix.example.com/name`: label and annotation keys, resource names, finalizers, condition types. */
export function isQualifiedName(value: string): string[] {
  const nameError = () => regexError(qualifiedNameMessage, qualifiedNameFormat, "MyName", "my.name", "123-abc");
  const parts = value.split("/");
  if (parts.length > 2) {
    return [
      `a qualified name ${nameError()} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const errors: string[] = [];
  const name = parts.at(-1)!;
  if (parts.length === 2) {
    const prefix = parts[0]!;
    if (prefix === "") errors.push(`prefix part ${emptyError}`);
    else errors.push(...isDNS1123Subdomain(prefix).map((e) => `prefix part ${e}`));
  }
  if (name === "") errors.push(`name part ${emptyError}`);
  else if (utf8Length(name) > 63) errors.push(`name part ${maxLengthError(63)}`);
  if (name.length > 4096 || !qualifiedName.test(name)) errors.push(`name part ${nameError()}`);
  return errors;
}

/** Any printable ASCII but `=`: what Kubernetes takes as the name of an environment variable since 1.34. */
export function isRelaxedEnvVarName(value: string): string[] {
  const errors: string[] = [];
  if (value === "") errors.push(`environment variable name ${emptyError}`);
  if (!/^[\x20-\x3c\x3e-\x7e]*$/.test(value)) {
    errors.push("a valid environment variable name must consist only of printable ASCII characters other than '='");
  }
  return errors;
}

function dotErrors(value: string): string[] {
  if (value === ".") return ["must not be '.'"];
  if (value === "..") return ["must not be '..'"];
  return value.startsWith("..") ? ["must not start with '..'"] : [];
}

/** A name that ends up in a path (RBAC roles, RuntimeClasses): anything but `.`, `..`, `/` and `%`. */
export function isValidPathSegmentName(name: string): string[] {
  if (name === "." || name === "..") return [`may not be '${name}'`];
  return ["/", "%"].filter((c) => name.includes(c)).map((c) => `may not contain '${c}'`);
}

export function isValidPortNum(port: number): string[] {
  return isInRange(port, 1, 65535);
}

export function isInRange(value: number, low: number, high: number): string[] {
  return value >= low && value <= high ? [] : [inclusiveRangeError(low, high)];
}

export const isValidUserID = (id: number): string[] => isInRange(id, 0, 2147483647);
export const isValidGroupID = (id: number): string[] => isInRange(id, 0, 2147483647);

/** IANA service names: at most 15 characters of `[-a-z0-9]`, one letter at least. */
export function isValidPortName(port: string): string[] {
  const errors: string[] = [];
  if (utf8Length(port) > 15) errors.push(maxLengthError(15));
  if (!/^[-a-z0-9]+$/.test(port)) {
    errors.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  }
  if (!/[a-z]/.test(port)) errors.push("must contain at least one letter (a-z)");
  if (port.includes("--")) errors.push("must not contain consecutive hyphens");
  if (port.startsWith("-") || port.endsWith("-")) errors.push("must not begin or end with a hyphen");
  return errors;
}

/** True for `a.b.c.d` without leading zeros. */
export function isIPv4(text: string): boolean {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((p) => /^(?:0|[1-9][0-9]{0,2})$/.test(p) && Number(p) <= 255);
}

/** True for an IPv6 address without a zone. */
export function isIPv6(text: string): boolean {
  if (!/^[0-9a-fA-F:.]{2,45}$/.test(text) || !text.includes(":")) return false;
  const halves = text.split("::");
  if (halves.length > 2) return false;
  const groups = (half: string) => half === "" ? [] : half.split(":");
  const all = halves.flatMap(groups);
  const last = all.at(-1);
  const embedded = last !== undefined && last.includes(".");
  const hex = embedded ? all.slice(0, -1) : all;
  if (embedded && !isIPv4(last)) return false;
  if (!hex.every((g) => /^[0-9a-fA-F]{1,4}$/.test(g))) return false;
  const count = hex.length + (embedded ? 2 : 0);
  return halves.length === 2 ? count <= 7 : count === 8;
}

export function isValidIP(text: string): string[] {
  return isIPv4(text) || isIPv6(text) ? [] : ["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"];
}

export function isValidCIDR(text: string): string[] {
  const slash = text.indexOf("/");
  const [address, bits] = [text.slice(0, slash), text.slice(slash + 1)];
  const good = slash > 0 && /^(?:0|[1-9][0-9]{0,2})$/.test(bits) &&
    (isIPv4(address) ? Number(bits) <= 32 : isIPv6(address) && Number(bits) <= 128);
  return good ? [] : ["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"];
}

/** A domain name of at least two segments; a trailing dot is accepted. */
export function isFullyQualifiedDomainName(name: string): string[] {
  if (name === "") return ["Required value"];
  const text = name.endsWith(".") ? name.slice(0, -1) : name;
  const errors = isDNS1123Subdomain(text);
  if (errors.length > 0) return errors;
  const labels = text.split(".");
  if (labels.length < 2) return ["should be a domain with at least two segments separated by dots"];
  return labels.flatMap(isDNS1123Label);
}

/** `acme.io/foo`: a DNS subdomain, a slash, a path. */
export function isDomainPrefixedPath(value: string): string[] {
  const slash = value.indexOf("/");
  if (slash <= 0 || slash === value.length - 1) return ['must be a domain-prefixed path (such as "acme.io/foo")'];
  const errors = isDNS1123Subdomain(value.slice(0, slash));
  if (!httpPath.test(value.slice(slash + 1))) errors.push(regexError("Invalid path", httpPathFormat));
  return errors;
}

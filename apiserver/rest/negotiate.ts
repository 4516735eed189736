/** What form the client wants its answer in: the Accept header, `?pretty`, `?includeObject`. */
import { statusError } from "../../lib/status.ts";

export type Format = "json" | "yaml" | "protobuf";

export interface Accepted {
  readonly format: Format;
  /** The object itself, rows for people, or its metadata only. */
  readonly as: "object" | "table" | "partial";
  /** Of tables: what a row carries besides its cells. */
  readonly include: "None" | "Metadata" | "Object";
  readonly pretty: boolean;
}

export const mediaTypes: Readonly<Record<Format, string>> = {
  json: "application/json",
  yaml: "application/yaml",
  protobuf: "application/vnd.kubernetes.protobuf",
};

interface Clause {
  type: string;
  params: Readonly<Record<string, string>>;
  q: number;
}

/** Few different Accept headers exist; each is parsed once. */
const parsed = new Map<string, readonly Clause[]>();
const parsedMax = 256;

export function parseAccept(header: string): readonly Clause[] {
  const known = parsed.get(header);
  if (known !== undefined) return known;
  const clauses = header.split(",").map((text): Clause => {
    const [type, ...rest] = text.split(";").map((part) => part.trim());
    const params: Record<string, string> = {};
    for (const param of rest) {
      const at = param.indexOf("=");
      if (at > 0) params[param.slice(0, at).toLowerCase()] = param.slice(at + 1).replace(/^"(.*)"$/, "$1");
    }
    const q = params.q === undefined ? 1 : Number(params.q);
    return { type: type!.toLowerCase(), params, q: Number.isFinite(q) ? q : 0 };
  }).filter((clause) => clause.type !== "" && clause.q > 0);
  // The sort is stable: equal weights stay in the client's order.
  const sorted = clauses.toSorted((a, b) => b.q - a.q);
  if (parsed.size >= parsedMax) parsed.clear();
  parsed.set(header, sorted);
  return sorted;
}

function formatOf(type: string): Format | undefined {
  if (type === "application/json" || type === "*/*" || type === "application/*") return "json";
  if (type === "application/yaml") return "yaml";
  return type === "application/vnd.kubernetes.protobuf" ? "protobuf" : undefined;
}

/** `undefined`: this clause asks for a transformation that there is not (here). */
function transformation(
  clause: Clause,
  about: "object" | "list" | "watch",
  format: Format,
): Accepted["as"] | undefined {
  const { as, g, v } = clause.params;
  if (as === undefined || as === "") return "object";
  if (g !== "meta.k8s.io" || v !== "v1") return undefined;
  // A Table has no protobuf form.
  if (as === "Table") return format === "protobuf" ? undefined : "table";
  return as === (about === "list" ? "PartialObjectMetadataList" : "PartialObjectMetadata") ? "partial" : undefined;
}

/** How a failure is told: what can't be made is not asked for again. */
export function errorForm(request: Request): Pick<Accepted, "format" | "pretty"> {
  const pretty = wantsPretty(request);
  const clauses = parseAccept(request.headers.get("accept") ?? "");
  const plain = clauses.find((clause) => formatOf(clause.type) !== undefined && !clause.params.as);
  return { format: plain === undefined ? "json" : formatOf(plain.type)!, pretty };
}

/** For people at a terminal or in a browser: what they ask for, or else what their program is (negotiation's isPrettyPrint). */
function wantsPretty(request: Request, query = new URLSearchParams(queryOf(request.url))): boolean {
  const asked = query.get("pretty");
  if (asked) return /^(1|t|T|TRUE|true|True)$/.test(asked);
  return /^(curl|Wget|Mozilla\/5\.0)/.test(request.headers.get("user-agent") ?? "");
}

const queryOf = (url: string) => url.includes("?") ? url.slice(url.indexOf("?")) : "";

/** Throws NotAcceptable when nothing of what the client can read is offered. */
export function negotiate(
  request: Request,
  query: URLSearchParams,
  about: "object" | "list" | "watch",
): Accepted {
  const pretty = wantsPretty(request, query);
  const include = includeOf(query);
  const header = request.headers.get("accept");
  if (header === null || header === "") return { format: "json", as: "object", include, pretty };
  for (const clause of parseAccept(header)) {
    const format = formatOf(clause.type);
    // A watch in YAML has no framing that a client could rely on.
    if (format === undefined || (about === "watch" && format === "yaml")) continue;
    const as = transformation(clause, about, format);
    if (as !== undefined) return { format, as, include, pretty };
  }
  const offered = Object.values(mediaTypes).filter((type) => about !== "watch" || type !== mediaTypes.yaml);
  throw statusError("NotAcceptable", `only the following media types are accepted: ${offered.join(", ")}`);
}

function includeOf(query: URLSearchParams): Accepted["include"] {
  const asked = query.get("includeObject");
  if (asked === null || asked === "") return "Metadata";
  if (asked === "None" || asked === "Metadata" || asked === "Object") return asked;
  throw statusError("BadRequest", `unrecognized includeObject value: ${JSON.stringify(asked)}`);
}

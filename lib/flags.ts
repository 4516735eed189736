/**
 * Settings: each is a flag `--node-name`, a variable `SAUROPOD_NODE_NAME` and a key `node-name` of the `--config` file; flags win, then
 * the environment, then the file. Parsed once, into one typed value; what is wrong is refused with the name it was given by.
 */
import { parse as parseYaml } from "yaml";

export interface Flag<T> {
  /** One line for `--help`. */
  help: string;
  /** Shown in the help: `PORT`. */
  value: string;
  parse(text: string): T;
  default?: T;
  /** Needs no value on the command line: standing there means `true`. */
  bare?: true;
}

/** A setting is wrong. The message names it and says what would be right. */
export class FlagError extends Error {
  override name = "FlagError";
}

/** `--help` was asked for. The message is the answer. */
export class HelpAsked extends Error {
  override name = "HelpAsked";
}

type Flags = Record<string, Flag<unknown>>;
export type Values<F extends Flags> = { [K in keyof F]: F[K] extends Flag<infer T> ? T : never };

export interface Sources {
  args: readonly string[];
  env: Readonly<Record<string, string | undefined>>;
  readFile(path: string): string;
}

/** What the running process was started with. */
export function processSources(args: readonly string[] = Deno.args): Sources {
  return { args, env: Deno.env.toObject(), readFile: (path) => Deno.readTextFileSync(path) };
}

/** Values by the flags' names in camelCase order of declaration; `rest` are the words that are no flags. Throws FlagError, HelpAsked. */
export function parseFlags<F extends Flags>(flags: F, sources: Sources): { values: Values<F>; rest: string[] } {
  if (sources.args.includes("--help")) throw new HelpAsked(helpText(flags));
  const { given, rest } = split(sources.args, flags);
  const file = configFile(given.get("config"), sources, flags);
  const values: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(flags)) {
    const variable = `SAUROPOD_${name.toUpperCase().replaceAll("-", "_")}`;
    const sourced: [string | undefined, string][] = [
      [given.get(name), `--${name}`],
      [sources.env[variable] || undefined, variable],
      [file.get(name), `${given.get("config")}: ${name}`],
    ];
    const found = sourced.find(([text]) => text !== undefined);
    values[name] = found === undefined ? flag.default : parseOne(flag, found[0]!, found[1]);
  }
  return { values: values as Values<F>, rest };
}

function parseOne<T>(flag: Flag<T>, text: string, from: string): T {
  try {
    return flag.parse(text);
  } catch (error) {
    throw new FlagError(`${from}: ${(error as Error).message}`);
  }
}

function split(args: readonly string[], flags: Flags): { given: Map<string, string>; rest: string[] } {
  const given = new Map<string, string>();
  const rest: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (!arg.startsWith("--")) {
      rest.push(arg);
      continue;
    }
    const equals = arg.indexOf("=");
    const name = arg.slice(2, equals < 0 ? undefined : equals);
    if (name !== "config" && !(name in flags)) {
      throw new FlagError(
        `--${name}: there is no such flag; known are ${Object.keys(flags).map((f) => `--${f}`).join(", ")}`,
      );
    }
    const value = equals >= 0 ? arg.slice(equals + 1) : flags[name]?.bare ? "true" : args[++i];
    if (value === undefined) throw new FlagError(`--${name}: needs a value`);
    given.set(name, value);
  }
  return { given, rest };
}

function configFile(path: string | undefined, sources: Sources, flags: Flags): Map<string, string> {
  if (path === undefined) return new Map();
  let content: unknown;
  try {
    content = parseYaml(sources.readFile(path));
  } catch (error) {
    throw new FlagError(`--config ${path}: ${(error as Error).message}`);
  }
  if (content === null) return new Map();
  if (typeof content !== "object" || Array.isArray(content)) {
    throw new FlagError(`--config ${path}: must be a YAML mapping of flag names to values`);
  }
  for (const name of Object.keys(content as object)) {
    if (!(name in flags)) throw new FlagError(`--config ${path}: there is no flag ${JSON.stringify(name)}`);
  }
  return new Map(Object.entries(content as object).map(([name, value]) => [name, String(value)]));
}

/** The text of `--help`. */
export function helpText(flags: Flags): string {
  const left = Object.entries(flags).map(([name, flag]) => `  --${name} ${flag.value}`);
  const width = Math.max(...left.map((text) => text.length));
  return Object.values(flags).map((flag, i) => {
    const fallback = flag.default === undefined || flag.default === "" ? "" : ` (default ${String(flag.default)})`;
    return `${left[i]!.padEnd(width)}  ${flag.help}${fallback}`;
  }).join("\n");
}

/** A flag with any text. */
export function text(help: string, value: string, fallback: string): Flag<string>;
export function text(help: string, value: string): Flag<string | undefined>;
export function text(help: string, value: string, fallback?: string): Flag<string | undefined> {
  return { help, value, parse: (given) => given, default: fallback };
}

/** A flag with one of a few words. */
export function choice<T extends string>(help: string, words: readonly T[], fallback: T): Flag<T> {
  return {
    help,
    value: words.join("|"),
    default: fallback,
    parse(given) {
      if (!words.includes(given as T)) throw new Error(`${JSON.stringify(given)} is not one of ${words.join(", ")}`);
      return given as T;
    },
  };
}

/** A flag that is there or not. */
export function toggle(help: string): Flag<boolean> {
  return {
    help,
    value: "",
    default: false,
    bare: true,
    parse(given) {
      if (given !== "true" && given !== "false") throw new Error(`${JSON.stringify(given)} is neither true nor false`);
      return given === "true";
    },
  };
}

/** A flag with a TCP or UDP port. */
export function port(help: string, fallback: number): Flag<number> {
  return {
    help,
    value: "PORT",
    default: fallback,
    parse(given) {
      const number = Number(given);
      if (!/^\d+$/.test(given) || number < 1 || number > 65535) {
        throw new Error(`${JSON.stringify(given)} is not a port: it must be a whole number from 1 to 65535`);
      }
      return number;
    },
  };
}

/** A flag with a whole number. */
export function whole(help: string, fallback: number, { from, to }: { from: number; to: number }): Flag<number> {
  return {
    help,
    value: "NUMBER",
    default: fallback,
    parse(given) {
      const number = Number(given);
      if (!/^\d+$/.test(given) || number < from || number > to) {
        throw new Error(`${JSON.stringify(given)} is not a whole number from ${from} to ${to}`);
      }
      return number;
    },
  };
}

const ipv4 = /^(25[0-5]|2[0-4]\d|1?\d?\d)(\.(25[0-5]|2[0-4]\d|1?\d?\d)){3}$/;

function requireIpv4(given: string): string {
  if (given.includes(":")) {
    throw new Error(`${JSON.stringify(given)} is IPv6, which is not supported yet: give an IPv4 address`);
  }
  if (!ipv4.test(given)) throw new Error(`${JSON.stringify(given)} is not an IPv4 address`);
  return given;
}

/** A flag with an IPv4 address. */
export function address(help: string, fallback?: string): Flag<string | undefined> {
  return { help, value: "IP", default: fallback, parse: requireIpv4 };
}

/** A flag with an IPv4 range, `10.96.0.0/16`; `longest` is the longest prefix that makes sense. */
export function cidr(help: string, fallback: string, longest: number): Flag<string> {
  return {
    help,
    value: "CIDR",
    default: fallback,
    parse(given) {
      if (given.includes(":")) {
        throw new Error(
          `${JSON.stringify(given)}: IPv6 is not supported yet, alone or beside IPv4: give one IPv4 range`,
        );
      }
      const [base, prefix, more] = given.split("/");
      const bits = Number(prefix);
      if (more !== undefined || prefix === undefined || !/^\d+$/.test(prefix) || bits < 8 || bits > longest) {
        throw new Error(`${JSON.stringify(given)} is not a range like ${fallback} with a prefix from 8 to ${longest}`);
      }
      const number = requireIpv4(base!).split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
      if (number % 2 ** (32 - bits) !== 0) {
        throw new Error(`${JSON.stringify(given)} has bits set below its prefix of ${bits}`);
      }
      return given;
    },
  };
}

/** A time: milliseconds that print as they were given. */
export interface Span {
  readonly ms: number;
}

const span = (ms: number): Span => Object.assign(Object.create({ toString: () => `${ms / 1000}s` }), { ms });

/** A flag with a time of whole seconds, `50s` or `1m30s`. */
export function duration(
  help: string,
  fallbackMs: number,
  { fromMs, toMs }: { fromMs: number; toMs: number },
): Flag<Span> {
  return {
    help,
    value: "TIME",
    default: span(fallbackMs),
    parse(given) {
      const [, minutes, seconds] = /^(?:(\d+)m)?(?:(\d+)s)?$/.exec(given) ?? [];
      const ms = (Number(minutes ?? 0) * 60 + Number(seconds ?? 0)) * 1000;
      if (given === "" || (minutes ?? seconds) === undefined || ms < fromMs || ms > toMs) {
        throw new Error(
          `${JSON.stringify(given)} is not a time like 50s or 1m30s, from ${span(fromMs)} to ${span(toMs)}`,
        );
      }
      return span(ms);
    },
  };
}

/** A flag with an inclusive range of ports, `30000-32767`. */
export function portRange(help: string, fallback: { from: number; to: number }): Flag<{ from: number; to: number }> {
  return {
    help,
    value: "FROM-TO",
    default: Object.assign(Object.create({ toString: () => `${fallback.from}-${fallback.to}` }), fallback),
    parse(given) {
      const [from, to] = given.split("-").map(Number);
      if (!/^\d+-\d+$/.test(given) || from! < 1 || to! > 65535 || from! > to!) {
        throw new Error(`${JSON.stringify(given)} is not a range of ports like 30000-32767`);
      }
      return { from: from!, to: to! };
    },
  };
}

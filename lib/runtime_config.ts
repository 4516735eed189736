/**
 * `--runtime-config`: which parts of the API are served, in kube-apiserver's form (k8s.io/apiserver/pkg/server/resourceconfig). What the
 * words mean; which groups there are is the API server's to know.
 */
import type { Flag } from "./flags.ts";

/** `true` turns on, `false` off; by `api/all`, `api/ga`, `api/beta`, `api/alpha`, `group/version` or `group/version/resource`. */
export type RuntimeConfig = ReadonlyMap<string, boolean>;

/** A place in the API. */
export interface Place {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
}

const stages: readonly [key: string, versions: RegExp][] = [
  ["api/all", /^/],
  ["api/ga", /^v[1-9][0-9]*$/],
  ["api/beta", /^v[1-9][0-9]*beta[1-9][0-9]*$/],
  ["api/alpha", /^v[1-9][0-9]*alpha[1-9][0-9]*$/],
];
const stageKeys = stages.map(([key]) => key);

/** Names a group version or a resource in it, without a stage of its own. */
export const isStage = (key: string) => stageKeys.includes(key);

/** Throws for what is no such text. The core group is `v1`, or `api/v1`. */
export function parseRuntimeConfig(text: string): RuntimeConfig {
  const config = new Map<string, boolean>();
  for (const entry of text.split(",").filter((one) => one !== "")) {
    const equals = entry.indexOf("=");
    const key = (equals < 0 ? entry : entry.slice(0, equals)).trim().replace(/^api\/(v[0-9])/, "$1");
    const value = equals < 0 ? "true" : entry.slice(equals + 1).trim() || "true";
    if (!/^v[0-9][a-z0-9]*(\/[a-z]+)?$|^[a-z][a-z0-9.-]*\/[a-z0-9]+(\/[a-z]+)?$/.test(key)) {
      throw new Error(`invalid key ${key}: give ${stageKeys.join(", ")}, group/version or group/version/resource`);
    }
    if (value !== "true" && value !== "false") {
      throw new Error(`invalid value of ${key}: ${value} is neither true nor false`);
    }
    config.set(key, value === "true");
  }
  if (config.size === 1 && config.get("api/all") === false) throw new Error("invalid key with only api/all=false");
  return config;
}

/** Its value is the text as it was given. */
export function runtimeConfig(help: string): Flag<string> {
  return {
    help,
    value: "KEY=BOOL,…",
    default: "",
    parse(given) {
      parseRuntimeConfig(given);
      return given;
    },
  };
}

export const groupVersionOf = ({ group, version }: Omit<Place, "plural">) =>
  group === "" ? version : `${group}/${version}`;

/** What is said of the place by itself outdoes what is said of its version, and that outdoes the stages. Default: on. */
export function isOn(place: Place, config: RuntimeConfig): boolean {
  const groupVersion = groupVersionOf(place);
  const own = config.get(`${groupVersion}/${place.plural}`) ?? config.get(groupVersion);
  if (own !== undefined) return own;
  let on = true;
  for (const [key, versions] of stages) if (versions.test(place.version)) on = config.get(key) ?? on;
  return on;
}

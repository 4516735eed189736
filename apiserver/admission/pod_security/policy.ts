/** Which level a namespace's labels ask for, and what of a pod is against it (k8s.io/pod-security-admission/api, policy). Pure. */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import type { PodSpec } from "../../../lib/types/core_v1.ts";
import { kubernetesVersion } from "../../../lib/version.ts";
import { baselineChecks } from "./baseline.ts";
import type { Check, Violation } from "./check.ts";
import { restrictedChecks } from "./restricted.ts";

export type Level = "privileged" | "baseline" | "restricted";
export const levels: readonly Level[] = ["privileged", "baseline", "restricted"];

export interface LevelVersion {
  readonly level: Level;
  /** `latest`, `v1.30` */
  readonly version: string;
}

const modes = ["enforce", "audit", "warn"] as const;
export type Policy = Readonly<Record<typeof modes[number], LevelVersion>>;

const prefix = "pod-security.kubernetes.io/";
const currentMinor = Number(kubernetesVersion.split(".")[1]);

export const textOf = ({ level, version }: LevelVersion): string => `${level}:${version}`;

/** What can't be read is an error; until it is corrected, what it enforces is the strictest level. */
export function policyOf(labels: Readonly<Record<string, string>> = {}): { policy: Policy; errors: FieldError[] } {
  const errors: FieldError[] = [];
  const read = (mode: typeof modes[number]): LevelVersion => {
    const [levelKey, versionKey] = [prefix + mode, `${prefix}${mode}-version`];
    const path = (key: string) => `metadata.labels[${key}]`;
    let level = labels[levelKey] as Level | undefined ?? "privileged";
    let version = labels[versionKey] ?? "latest";
    if (!levels.includes(level)) {
      errors.push(fieldError.invalid(path(levelKey), level, `must be one of ${levels.join(", ")}`));
      level = mode === "enforce" ? "restricted" : "privileged";
    }
    if (version !== "latest" && !/^v1\.([0-9]|[1-9][0-9]*)$/.test(version)) {
      errors.push(fieldError.invalid(path(versionKey), version, 'must be "latest" or "v1.x"'));
      version = "latest";
    }
    return { level, version };
  };
  return { policy: { enforce: read("enforce"), audit: read("audit"), warn: read("warn") }, errors };
}

const minorOf = (version: string) =>
  version === "latest" ? currentMinor : Math.min(currentMinor, Number(version.slice(3)));

/** The violations, in the order in which they are told. */
export function violations(
  { level, version }: LevelVersion,
  { annotations = {}, spec }: { annotations?: Readonly<Record<string, string>>; spec: PodSpec },
): Violation[] {
  if (level === "privileged") return [];
  const minor = minorOf(version);
  const own = level === "restricted" ? restrictedChecks.filter(({ since = 0 }) => minor >= since) : [];
  const overridden = new Set(own.flatMap(({ overrides = [] }) => overrides));
  const below = baselineChecks.filter(({ id, since = 0 }) => minor >= since && !overridden.has(id));
  const all: Check[] = [...own, ...below].sort((a, b) => a.id < b.id ? -1 : 1);
  return all.map(({ check }) => check({ annotations, spec, minor })).filter((violation) => violation !== undefined);
}

/** `host namespaces (hostPID=true), privileged (…)` */
export function detailOf(found: readonly Violation[]): string {
  return found.map(({ reason, detail }) => detail === "" ? reason : `${reason} (${detail})`).join(", ");
}

/** Seccomp and AppArmor: profiles in fields, and in the annotations that they had before. */
import { type FieldError, fieldError } from "../../../../lib/status.ts";
import type { AppArmorProfile, PodSpec, SeccompProfile } from "../../../../lib/types/core_v1.ts";
import { utf8Length } from "../../../../lib/validation.ts";
import { checkDescendingPath } from "./paths.ts";
import { visitContainers } from "./visit.ts";

const types = ["Localhost", "RuntimeDefault", "Unconfined"];
/** PATH_MAX - 1 */
const profileBytesMax = 4095;

type Annotations = Readonly<Record<string, string>>;

export function validateSeccompProfile(profile: SeccompProfile | undefined, path: string): FieldError[] {
  if (profile === undefined) return [];
  const { type, localhostProfile } = profile;
  const errors: FieldError[] = [];
  if (!type) errors.push(fieldError.required(`${path}.type`, "type is required when seccompProfile is set"));
  else if (!types.includes(type)) errors.push(fieldError.notSupported(`${path}.type`, type, types));
  const at = `${path}.localhostProfile`;
  if (type === "Localhost") {
    if (localhostProfile !== undefined) errors.push(...checkDescendingPath(localhostProfile, at));
    else errors.push(fieldError.required(at, "must be set when seccomp type is Localhost"));
  } else if (localhostProfile !== undefined) {
    errors.push(fieldError.invalid(at, profile, "can only be set when seccomp type is Localhost"));
  }
  return errors;
}

export function validateAppArmorProfile(profile: AppArmorProfile | undefined, path: string): FieldError[] {
  if (profile === undefined) return [];
  const { type, localhostProfile } = profile;
  const at = `${path}.localhostProfile`;
  if (!type) return [fieldError.required(`${path}.type`, "type is required when appArmorProfile is set")];
  if (!types.includes(type)) return [fieldError.notSupported(`${path}.type`, type, types)];
  if (type !== "Localhost") {
    if (localhostProfile === undefined) return [];
    return [fieldError.invalid(at, localhostProfile, "can only be set when AppArmor type is Localhost")];
  }
  const missing = fieldError.required(at, "must be set when AppArmor type is Localhost");
  if (localhostProfile === undefined) return [missing];
  const errors: FieldError[] = [];
  if (localhostProfile.trim() !== localhostProfile) {
    errors.push(fieldError.invalid(at, localhostProfile, "must not be padded with whitespace"));
  } else if (localhostProfile === "") errors.push(missing);
  if (utf8Length(localhostProfile) > profileBytesMax) errors.push(fieldError.tooLong(at, profileBytesMax));
  return errors;
}

const seccompPod = "seccomp.security.alpha.kubernetes.io/pod";
const seccompContainer = "container.seccomp.security.alpha.kubernetes.io/";
const appArmorContainer = "container.apparmor.security.beta.kubernetes.io/";
const localhost = "localhost/";

/** The annotations themselves (ValidateSeccompPodAnnotations, ValidateAppArmorPodAnnotations). `path` is theirs. */
export function validateProfileAnnotations(
  annotations: Annotations | undefined,
  spec: PodSpec,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  const names = () => visitContainers(spec, "").map(([container]) => container.name);
  for (const [key, value] of Object.entries(annotations ?? {})) {
    if (key === seccompPod || key.startsWith(seccompContainer)) {
      errors.push(...validateSeccompAnnotation(value, `${path}.${key}`));
    }
    if (!key.startsWith(appArmorContainer)) continue;
    const name = key.slice(appArmorContainer.length);
    if (!names().includes(name)) errors.push(fieldError.invalid(`${path}[${key}]`, name, "container not found"));
    if (!["", "runtime/default", "unconfined"].includes(value) && !value.startsWith(localhost)) {
      const detail = `invalid AppArmor profile name: ${JSON.stringify(value)}`;
      errors.push(fieldError.invalid(`${path}[${key}]`, value, detail));
    }
  }
  return errors;
}

function validateSeccompAnnotation(value: string, path: string): FieldError[] {
  if (["runtime/default", "docker/default", "unconfined"].includes(value)) return [];
  if (value.startsWith(localhost)) return checkDescendingPath(value.slice(localhost.length), path);
  return [fieldError.invalid(path, value, "must be a valid seccomp profile")];
}

/** An annotation and a field that say the same thing must agree. Of new pods and of templates; `path` is the spec's. */
export function validateProfilesMatch(annotations: Annotations | undefined, spec: PodSpec, path: string): FieldError[] {
  if (annotations === undefined) return [];
  const seccomp = (key: string, profile: SeccompProfile | undefined, at: string) =>
    profile === undefined ? [] : matchErrors(annotations[key], profile, {
      kind: "seccomp",
      path: `${at}.securityContext.seccompProfile`,
      runtimeDefault: ["runtime/default", "docker/default"],
    });
  const errors = seccomp(seccompPod, spec.securityContext?.seccompProfile, path);
  const containers = visitContainers(spec, path);
  for (const [container, at] of containers) {
    errors.push(...seccomp(`${seccompContainer}${container.name}`, container.securityContext?.seccompProfile, at));
  }
  if (spec.os?.name === "windows") return errors;
  for (const [container, at] of containers) {
    const profile = container.securityContext?.appArmorProfile ?? spec.securityContext?.appArmorProfile;
    if (profile === undefined) continue;
    errors.push(...matchErrors(annotations[`${appArmorContainer}${container.name}`], profile, {
      kind: "apparmor",
      path: `${at}.securityContext.appArmorProfile`,
      runtimeDefault: ["runtime/default"],
    }));
  }
  return errors;
}

interface MatchContext {
  kind: "seccomp" | "apparmor";
  path: string;
  /** Annotations that mean RuntimeDefault. */
  runtimeDefault: readonly string[];
}

function matchErrors(
  annotation: string | undefined,
  { type, localhostProfile }: SeccompProfile | AppArmorProfile,
  { kind, path, runtimeDefault }: MatchContext,
): FieldError[] {
  if (annotation === undefined) return [];
  const differs = (what: string) => [
    fieldError.forbidden(
      `${path}.${what === "type" ? "type" : "localhostProfile"}`,
      `${kind} ${what} in annotation and field must match`,
    ),
  ];
  switch (type) {
    case "Unconfined":
      return annotation === "unconfined" ? [] : differs("type");
    case "RuntimeDefault":
      return runtimeDefault.includes(annotation) ? [] : differs("type");
    case "Localhost":
      if (!annotation.startsWith(localhost)) return differs("type");
      return annotation.slice(localhost.length) === localhostProfile ? [] : differs("profile");
    default:
      return [];
  }
}

/** Things in a pod that work, but hardly as meant (pkg/api/pod GetWarningsForPod). Leaves out hints about removed volume types. */
import { parseQuantity } from "../../../../lib/quantity.ts";
import type { Container, Pod, PodSpec } from "../../../../lib/types/core_v1.ts";
import { isDNS1123Label } from "../../../../lib/validation.ts";
import { deprecatedNodeLabel } from "../../meta/deprecated_node_label.ts";

/** Of a new pod. */
export function podWarnings({ metadata, spec }: Pod): string[] {
  const warnings: string[] = [];
  const messages = isDNS1123Label(metadata.name);
  if (messages.length > 0) {
    const what =
      "this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended";
    warnings.push(`metadata.name: ${what}: [${messages.join(" ")}]`);
  }
  return [...warnings, ...podSpecWarnings(spec, "spec")];
}

/** Also of templates. `path`: of the spec. */
export function podSpecWarnings(spec: PodSpec, path: string): string[] {
  const warnings: string[] = [];
  for (const key of Object.keys(spec.nodeSelector ?? {})) {
    const note = deprecatedNodeLabel(key);
    if (note !== undefined) warnings.push(`${path}.nodeSelector[${key}]: ${note}`);
  }
  (spec.imagePullSecrets ?? []).forEach(({ name }, i) => {
    if (!name) warnings.push(`${path}.imagePullSecrets[${i}].name: invalid empty name ""`);
  });
  if ((spec.terminationGracePeriodSeconds ?? 0) < 0) {
    const note = "must be >= 0; negative values are invalid and will be treated as 1";
    warnings.push(`${path}.terminationGracePeriodSeconds: ${note}`);
  }
  for (const list of ["initContainers", "containers"] as const) {
    spec[list]?.forEach((container, i) => warnings.push(...containerWarnings(container, `${path}.${list}[${i}]`)));
  }
  return [...warnings, ...portWarnings(spec, path)];
}

function containerWarnings({ env, resources }: Container, path: string): string[] {
  const warnings: string[] = [];
  for (const what of ["limits", "requests"] as const) {
    for (const name of ["memory", "ephemeral-storage"]) {
      const quantity = resources?.[what]?.[name];
      if (quantity === undefined || parseQuantity(quantity).nano % 1_000_000_000n === 0n) continue;
      const note = `fractional byte value ${JSON.stringify(quantity)} is invalid, must be an integer`;
      warnings.push(`${path}.resources.${what}[${name}]: ${note}`);
    }
  }
  const seen = new Map<string, string | undefined>();
  (env ?? []).forEach(({ name, value }, i) => {
    const before = seen.get(name);
    // A definition that builds on the one before it is meant.
    if (seen.has(name) && !(value ?? "").includes(`$(${name})`)) {
      const note = `hides previous definition of ${JSON.stringify(name)}, which may be surprising`;
      warnings.push(`${path}.env[${i}]: ${note}`);
    }
    seen.set(name, before ?? value);
  });
  return warnings;
}

/** The same port twice: the second says nothing new. */
function portWarnings(spec: PodSpec, path: string): string[] {
  const seen = new Map<string, string>();
  const warnings: string[] = [];
  (spec.containers ?? []).forEach((container, i) => {
    (container.ports ?? []).forEach(({ containerPort, protocol, hostPort, hostIP }, j) => {
      const at = `${path}.containers[${i}].ports[${j}]`;
      const key = `${hostIP ?? ""}/${hostPort ?? 0}/${containerPort}/${protocol}`;
      const before = seen.get(key);
      if (before !== undefined) warnings.push(`${at}: duplicate port definition with ${before}`);
      else seen.set(key, at);
    });
  });
  return warnings;
}

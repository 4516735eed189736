/** Whether a container that has ended may be started again (pkg/api/pod ContainerShouldRestart). */
import type { Container, PodSpec } from "../../../../lib/types/core_v1.ts";

/** Rules of the container come first, then its policy, then the pod's. */
export function mayRestart(spec: PodSpec, name: string, exitCode: number): boolean {
  const init = (spec.initContainers ?? []).find((container) => container.name === name);
  const container = init ?? (spec.containers ?? []).find((c) => c.name === name);
  if (container !== undefined && ruleRestarts(container, exitCode)) return true;
  switch (container?.restartPolicy || spec.restartPolicy) {
    case "Always":
      return true;
    case "OnFailure":
      return exitCode !== 0;
    default:
      return false;
  }
}

function ruleRestarts({ restartPolicyRules }: Container, exitCode: number): boolean {
  return (restartPolicyRules ?? []).some(({ action, exitCodes }) => {
    if (action !== "Restart" || exitCodes === undefined) return false;
    const listed = (exitCodes.values ?? []).includes(exitCode);
    return exitCodes.operator === "NotIn" ? !listed : listed;
  });
}

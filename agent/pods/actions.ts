/** What a plan for a pod can ask for. Every action says why; execute.ts knows how. */
import type { Instant } from "../../lib/seams/clock.ts";
import type { Observed } from "./observed.ts";
import type { Member } from "./pod_spec.ts";
import type { ResizeStep } from "./resize.ts";

export type Action =
  & { readonly why: string }
  & (
    | { readonly do: "prepareVolumes" }
    | { readonly do: "pullImage"; readonly member: Member }
    | { readonly do: "createSandbox"; readonly attempt: number }
    /** Starts the infra container and gives it its network. */
    | { readonly do: "startSandbox"; readonly sandbox: Observed }
    /** Learns the address of a sandbox that was found running. */
    | { readonly do: "attachNetwork"; readonly sandbox: Observed }
    | {
      readonly do: "createContainer";
      readonly member: Member;
      readonly attempt: number;
      readonly sandbox: Observed;
      readonly restartDelayMs: number;
    }
    /** Starts it and runs its postStart hook. */
    | { readonly do: "startContainer"; readonly member: Member; readonly container: Observed }
    /** Changes what running containers are held to. */
    | { readonly do: "resize"; readonly steps: readonly ResizeStep[] }
    /** Begins to stop: says so, runs preStop, and signals when there is none. */
    | {
      readonly do: "stop";
      readonly container: Observed;
      readonly graceMs: number;
      readonly message: string;
      readonly replace: boolean;
    }
    | { readonly do: "signal"; readonly container: Observed; readonly signal: "TERM" | "KILL" }
    /** Reads the termination message. */
    | { readonly do: "collect"; readonly container: Observed }
    | { readonly do: "removeContainer"; readonly container: Observed }
    /** Ends the infra container and takes its network away. */
    | { readonly do: "releaseSandbox"; readonly sandbox: Observed }
    | { readonly do: "releaseVolumes" }
    | { readonly do: "fail"; readonly reason: string; readonly message: string }
    | { readonly do: "deletePod" }
    /** Nothing is left of a pod that the API does not know. */
    | { readonly do: "forget" }
    | { readonly do: "backOff"; readonly member: Member; readonly message: string }
    | { readonly do: "wakeAt"; readonly at: Instant }
  );

export type ActionOf<Do extends Action["do"]> = Extract<Action, { do: Do }>;

/** What an operation works on: two with the same key never run at the same time. */
export function operationKey(action: Action): string {
  switch (action.do) {
    case "pullImage":
      return `image ${action.member.container.name}`;
    case "createContainer":
      return `container ${action.member.container.name}`;
    case "startContainer":
    case "removeContainer":
      return `container ${action.container.container} ${action.container.attempt}`;
    case "stop":
    case "signal":
      return `${action.do} ${action.container.id}`;
    case "collect":
      return `collect ${action.container.id}`;
    case "createSandbox":
    case "startSandbox":
    case "attachNetwork":
    case "releaseSandbox":
      return "sandbox";
    case "prepareVolumes":
    case "releaseVolumes":
      return "volumes";
    default:
      return action.do;
  }
}

/** A pod stays for five minutes on a node that is not ready or not reachable, unless it says otherwise. */
import type { Pod, Toleration } from "../../lib/types/core_v1.ts";
import { isPod } from "./forbidden.ts";
import type { AdmissionPlugin, Attributes } from "./plugin.ts";

const tolerationSeconds = 300;
const taints = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];

function covers(toleration: Toleration, key: string): boolean {
  return (!toleration.key || toleration.key === key) && (!toleration.effect || toleration.effect === "NoExecute");
}

export const defaultTolerationSeconds: AdmissionPlugin = {
  name: "DefaultTolerationSeconds",
  mutate(attributes: Attributes) {
    if (!isPod(attributes) || attributes.object === undefined) return;
    const { spec } = attributes.object as unknown as Pod;
    if (spec === undefined) return;
    const own = spec.tolerations ?? [];
    const missing = taints.filter((key) => !own.some((toleration) => covers(toleration, key)));
    if (missing.length === 0) return;
    const added = missing.map((key) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds }));
    spec.tolerations = [...own, ...added] as Toleration[];
  },
};

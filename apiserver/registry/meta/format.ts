/** Labels and selectors as `kubectl get` shows them (labels.FormatLabels, metav1.FormatLabelSelector). */
import { type LabelSelector, selectorFrom, selectorString } from "../../../lib/selector/mod.ts";
import { StatusError } from "../../../lib/status.ts";

const none = "<none>";

/** `a=1,b=2` in the order of the keys, `<none>` without any. */
export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  return labelsText(labels) || none;
}

/** `a=1,b=2` in the order of the keys; empty without any. */
export function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  return Object.keys(labels ?? {}).sort().map((key) => `${key}=${labels![key]}`).join(",");
}

/** `app=web,tier in (a,b)`, `<none>` for one that selects everything or nothing, `<error>` for one that is wrong. */
export function formatLabelSelector(selector: LabelSelector | undefined): string {
  try {
    return selectorString(selectorFrom(selector)) || none;
  } catch (error) {
    if (error instanceof StatusError) return "<error>";
    throw error;
  }
}

/** Access modes and classes as `kubectl get` shows them (pkg/apis/core/helper). */

const short = [
  ["ReadWriteOnce", "RWO"],
  ["ReadOnlyMany", "ROX"],
  ["ReadWriteMany", "RWX"],
  ["ReadWriteOncePod", "RWOP"],
] as const;

/** `RWO,ROX`. */
export function accessModesText(modes: readonly string[] | undefined): string {
  return short.filter(([mode]) => modes?.includes(mode)).map(([, text]) => text).join(",");
}

export const classAnnotation = "volume.beta.kubernetes.io/storage-class";

/** The class of a volume or a claim; an annotation of before there was a field comes first. */
export function classOf(object: {
  metadata: { annotations?: Record<string, string> };
  spec: { storageClassName?: string };
}): string {
  return object.metadata.annotations?.[classAnnotation] ?? object.spec.storageClassName ?? "";
}

/** The pods of a Job (job_controller.go manageJob, indexed_job_utils.go). Pure. */
import type { Kind, New } from "../../../lib/kind.ts";
import type { Job } from "../../../lib/types/batch_v1.ts";
import type { Container, Pod, PodTemplateSpec } from "../../../lib/types/core_v1.ts";
import { Job as JobKind } from "../../../lib/types/kinds.ts";
import { podFromTemplate } from "../pod_template.ts";
import { ignoredFailuresAnnotation, indexFailuresAnnotation, indexKey, trackingFinalizer } from "./draft.ts";
import type { Replica } from "./manage.ts";

const indexVariable = "JOB_COMPLETION_INDEX";
/** What a generated name may have before its five random characters. */
const prefixCharactersMax = 58;

export function jobPod(job: Job, { index, failures }: Replica): New<Pod> {
  const pod = podFromTemplate(job.spec.template, JobKind as Kind, job);
  pod.metadata.finalizers = [...new Set([...pod.metadata.finalizers ?? [], trackingFinalizer])];
  if (index === undefined) return pod;
  const text = String(index);
  const annotations: Record<string, string> = { ...pod.metadata.annotations, [indexKey]: text };
  if (failures !== undefined) annotations[indexFailuresAnnotation] = String(failures.counted);
  if (failures !== undefined && failures.ignored > 0) annotations[ignoredFailuresAnnotation] = String(failures.ignored);
  return {
    ...pod,
    metadata: {
      ...pod.metadata,
      generateName: indexedPrefix(job.metadata.name, text),
      annotations,
      labels: { ...pod.metadata.labels, [indexKey]: text },
    },
    spec: { ...withIndexVariable(pod.spec), hostname: `${job.metadata.name}-${text}` },
  };
}

/** `name-3-`, the name shortened where it must be. */
function indexedPrefix(name: string, index: string): string {
  const end = `-${index}-`;
  return name.slice(0, prefixCharactersMax - end.length) + end;
}

function withIndexVariable(spec: PodTemplateSpec["spec"]): PodTemplateSpec["spec"] {
  const add = (container: Container): Container => {
    const { env = [] } = container;
    if (env.some(({ name }) => name === indexVariable)) return container;
    const fieldPath = `metadata.labels['${indexKey}']`;
    return { ...container, env: [...env, { name: indexVariable, valueFrom: { fieldRef: { fieldPath } } }] };
  };
  return { ...spec, containers: spec.containers.map(add), initContainers: spec.initContainers?.map(add) };
}

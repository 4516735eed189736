/** The Targets column: `cpu: 40%/80%, 12/10 (avg) + 1 more...` (pkg/printers/internalversion, formatHPAMetrics). */
import type { MetricSpec, MetricStatus, MetricTarget, MetricValueStatus } from "../../../lib/types/autoscaling_v2.ts";

const shownMax = 2;
const unknown = "<unknown>";

export function formatMetrics(specs: readonly MetricSpec[] = [], statuses: readonly MetricStatus[] = []): string {
  if (specs.length === 0) return "<none>";
  const shown = specs.map((spec, i) => formatMetric(spec, statuses[i])).slice(0, shownMax).join(", ");
  return specs.length > shownMax ? `${shown} + ${specs.length - shownMax} more...` : shown;
}

function formatMetric(spec: MetricSpec, status: MetricStatus | undefined): string {
  switch (spec.type) {
    case "External":
      return ofValue(spec.external?.target, status?.external?.current);
    case "Object":
      return ofValue(spec.object?.target, status?.object?.current);
    case "Pods":
      return `${status?.pods?.current?.averageValue ?? unknown}/${spec.pods?.target?.averageValue ?? unknown}`;
    case "Resource":
      return `${spec.resource?.name}: ${ofResource(spec.resource?.target, status?.resource?.current)}`;
    case "ContainerResource": {
      const { containerResource } = spec;
      return `${containerResource?.name}: ${ofResource(containerResource?.target, status?.containerResource?.current)}`;
    }
    default:
      return "<unknown type>";
  }
}

function ofValue(target: MetricTarget | undefined, current: MetricValueStatus | undefined): string {
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? unknown}/${target.averageValue} (avg)`;
  return `${current?.value ?? unknown}/${target?.value ?? unknown}`;
}

function ofResource(target: MetricTarget | undefined, current: MetricValueStatus | undefined): string {
  if (target?.averageValue !== undefined) return `${current?.averageValue ?? unknown}/${target.averageValue}`;
  const percent = (value: number | undefined, otherwise: string) => value === undefined ? otherwise : `${value}%`;
  return `${percent(current?.averageUtilization, unknown)}/${percent(target?.averageUtilization, "<auto>")}`;
}

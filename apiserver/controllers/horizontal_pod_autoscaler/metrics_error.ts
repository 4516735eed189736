/** Metrics say nothing, and why: the message is upstream's. Expected: it becomes a condition and an Event. */
export class MetricsError extends Error {
  override name = "MetricsError";
}

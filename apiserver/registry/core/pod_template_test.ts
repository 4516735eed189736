import assert from "assert";
import type { PodTemplateSpec } from "../../../lib/types/core_v1.ts";
import { defaultPodTemplate, validatePodTemplate } from "./pod_template.ts";

const errorsOf = (template: PodTemplateSpec) =>
  validatePodTemplate(template, "spec.template").map(({ field, message }) => `${field}: ${message}`);

Deno.test("defaultPodTemplate() fills in a template that isn't there", () => {
  const template = {} as PodTemplateSpec;
  defaultPodTemplate(template);
  assert.deepEqual(template, {
    metadata: {},
    spec: {
      containers: [],
      dnsPolicy: "ClusterFirst",
      restartPolicy: "Always",
      schedulerName: "default-scheduler",
      securityContext: {},
      terminationGracePeriodSeconds: 30,
    },
  });
  assert.deepEqual(errorsOf(template), ["spec.template.spec.containers: Required value"]);
});

Deno.test("validatePodTemplate() checks metadata, spec and what templates may not have", () => {
  const template = {
    metadata: {
      labels: { a: "-" },
      annotations: { "Example.com/Any-Case": "x", "a b": "" },
    },
    spec: {
      containers: [{ name: "web", image: "nginx" }],
      ephemeralContainers: [{ name: "debug", image: "busybox" }],
    },
  } as PodTemplateSpec;
  defaultPodTemplate(template);
  const name = "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]'";
  assert.deepEqual(errorsOf(template), [
    "spec.template.labels: Invalid value: \"-\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    `spec.template.annotations: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is ${name})`,
    "spec.template.spec.ephemeralContainers: Forbidden: ephemeral containers not allowed in pod template",
  ]);
});

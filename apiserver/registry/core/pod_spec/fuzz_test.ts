import assert from "assert";
import fc from "fast-check";
import { clone } from "../../../../lib/patch/equal.ts";
import { arbitraryObject } from "../../../../lib/schema/arbitrary.ts";
import { decodeObject } from "../../../../lib/schema/validate.ts";
import { definition } from "../../../../lib/schema/schema.ts";
import type { PodTemplateSpec } from "../../../../lib/types/core_v1.ts";
import { defaultPodTemplate, validatePodTemplate } from "../pod_template.ts";
import { defaultSpecOfPod, validatePodSpec } from "./mod.ts";

const template = definition("io.k8s.api.core.v1.PodTemplateSpec");
/** Whatever the decoder lets through: any field may be missing, also those that must be there. */
const templates = arbitraryObject(template, 7).map((object) =>
  decodeObject(object, template).object as unknown as PodTemplateSpec
);

Deno.test("defaultPodTemplate() and validatePodTemplate() take whatever the decoder lets through", () => {
  fc.assert(
    fc.property(templates, (object) => {
      assert.ok(Array.isArray(validatePodTemplate(withSpec(clone(object)), "spec.template")));
      defaultPodTemplate(object);
      const once = clone(object);
      defaultPodTemplate(object);
      assert.deepEqual(object, once);
      const errors = validatePodTemplate(object, "spec.template");
      assert.deepEqual(object, once, "validation changes nothing");
      for (const { field, message } of errors) {
        assert.ok(field.startsWith("spec.template."), field);
        assert.ok(!message.includes("undefined"), message);
      }
      defaultSpecOfPod(object.spec);
      const pod = clone(object.spec);
      defaultSpecOfPod(object.spec);
      assert.deepEqual(object.spec, pod);
      validatePodSpec(object.spec, "spec", { name: "web" });
    }),
    { numRuns: 150 },
  );
});

function withSpec(object: PodTemplateSpec): PodTemplateSpec {
  return { ...object, spec: object.spec ?? { containers: [] } };
}

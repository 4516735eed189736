/** PodTemplates (pkg/registry/core/podtemplate): a template on its own, which nothing in the cluster uses. */
import { deepEqual } from "../../../lib/patch/equal.ts";
import { PodTemplate } from "../../../lib/types/kinds.ts";
import type { PodTemplate as Template } from "../../../lib/types/core_v1.ts";
import { isDNS1123Subdomain } from "../../../lib/validation.ts";
import { defineResource } from "../../rest/resource.ts";
import { nameColumn } from "../meta/columns.ts";
import { formatLabels } from "../meta/format.ts";
import { containerImages, containerNames } from "../meta/template_columns.ts";
import { fillTemplate } from "./controlled_template.ts";
import { podSpecWarnings } from "./pod/warnings.ts";
import { defaultPodTemplate, validatePodTemplate } from "./pod_template.ts";

export const podTemplate = defineResource<Template>(PodTemplate, {
  definition: "io.k8s.api.core.v1.PodTemplate",
  generation: true,
  returnsDeleted: true,
  defaults(object) {
    object.template = fillTemplate(object.template);
    defaultPodTemplate(object.template);
  },
  validate: ({ template }) => validatePodTemplate(fillTemplate(template), "template"),
  warnings: ({ template }, old) =>
    deepEqual(template, old?.template) ? [] : podSpecWarnings(fillTemplate(template).spec, "template.spec"),
  columns: [
    nameColumn,
    { name: "Containers", type: "string", value: ({ template }) => containerNames(template) },
    { name: "Images", type: "string", value: ({ template }) => containerImages(template) },
    { name: "Pod Labels", type: "string", value: ({ template }) => formatLabels(template?.metadata?.labels) },
  ],
}, isDNS1123Subdomain);

/** VolumeAttachment: a volume is, or is to be, attached to a node. */
import { type FieldError, fieldError } from "../../../lib/status.ts";
import { VolumeAttachment as kind } from "../../../lib/types/kinds.ts";
import type { VolumeAttachment, VolumeAttachmentSource, VolumeError } from "../../../lib/types/storage_v1.ts";
import { inclusiveRangeError, isDNS1123Subdomain, utf8Length } from "../../../lib/validation.ts";
import { defineResource, type Resource } from "../../rest/resource.ts";
import { validateCSIDriverName } from "../core/pod_spec/volumes.ts";
import { ageColumn, nameColumn } from "../meta/columns.ts";
import { immutable } from "../meta/immutable.ts";
import { invalids } from "../meta/messages.ts";
import { validateInlineVolume } from "./inline_volume.ts";

const metadataBytesMax = 256 * 1024;
const messageBytesMax = 1024;

function validate(object: VolumeAttachment): FieldError[] {
  const { attacher = "", source = {}, nodeName = "" } = object.spec;
  const errors: FieldError[] = [];
  if (attacher === "") errors.push(fieldError.required("spec.attacher"));
  errors.push(...validateSource(source, "spec.source"));
  errors.push(...invalids("spec.nodeName", nodeName, isDNS1123Subdomain(nodeName)));
  return [...errors, ...validateStatus(object)];
}

function validateSource(
  { persistentVolumeName: name, inlineVolumeSpec: inline }: VolumeAttachmentSource,
  path: string,
): FieldError[] {
  const one = "must specify exactly one of inlineVolumeSpec and persistentVolumeName";
  if (inline === undefined && name === undefined) return [fieldError.required(path, one)];
  if (inline !== undefined && name !== undefined) return [fieldError.forbidden(path, one)];
  if (inline !== undefined) return validateInlineVolume(inline, `${path}.inlineVolumeSpec`);
  if (name !== "") return [];
  return [fieldError.required(`${path}.persistentVolumeName`, "must specify non empty persistentVolumeName")];
}

/** Rules that came with v1. */
function validateCreate({ spec: { attacher = "", source } }: VolumeAttachment): FieldError[] {
  const errors = validateCSIDriverName(attacher, "spec.attacher");
  const name = source?.persistentVolumeName;
  if (name === undefined) return errors;
  return [...errors, ...invalids("spec.source.persistentVolumeName", name, isDNS1123Subdomain(name))];
}

function validateStatus({ status }: VolumeAttachment): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const entry of Object.entries(status?.attachmentMetadata ?? {})) bytes += utf8Length(entry.join(""));
  if (bytes > metadataBytesMax) errors.push(fieldError.tooLong("status.attachmentMetadata", metadataBytesMax));
  for (const name of ["attachError", "detachError"] as const) {
    errors.push(...validateError(status?.[name], `status.${name}`));
  }
  return errors;
}

function validateError(error: VolumeError | undefined, path: string): FieldError[] {
  const { message = "", errorCode = 0 } = error ?? {};
  const errors: FieldError[] = [];
  // Refused from 1024 bytes on, though the message says more: Kubernetes' own words.
  if (utf8Length(message) > messageBytesMax) errors.push(fieldError.tooLong(`${path}.message`, metadataBytesMax));
  if (errorCode < 0) {
    errors.push(fieldError.invalid(`${path}.errorCode`, errorCode, inclusiveRangeError(0, 2 ** 31 - 1)));
  }
  return errors;
}

export const volumeAttachment: Resource<VolumeAttachment> = defineResource<VolumeAttachment>(kind, {
  definition: "io.k8s.api.storage.v1.VolumeAttachment",
  returnsDeleted: true,
  unconditionalUpdate: false,
  status: true,
  generation: false,
  defaults(object) {
    object.spec ??= {} as VolumeAttachment["spec"];
    (object.status ??= { attached: false }).attached ??= false;
  },
  prepareCreate(object) {
    object.status = { attached: false };
  },
  validate,
  validateCreate,
  validateUpdate: ({ spec }, old) => immutable(spec, old.spec, "spec"),
  validateStatus,
  columns: [
    nameColumn,
    { name: "Attacher", type: "string", format: "name", value: ({ spec }) => spec.attacher },
    { name: "PV", type: "string", value: ({ spec }) => spec.source.persistentVolumeName ?? "" },
    { name: "Node", type: "string", value: ({ spec }) => spec.nodeName },
    { name: "Attached", type: "boolean", value: ({ status }) => status?.attached ?? false },
    ageColumn,
  ],
}, isDNS1123Subdomain);

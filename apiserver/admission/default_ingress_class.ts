/**
 * Ingresses that name no class get the one that is annotated as the default (plugin/pkg/admission/network/defaultingressclass). Of
 * several default classes the newest counts.
 */
import type { KubeObject } from "../../lib/kind.ts";
import type { Ingress } from "../../lib/types/networking_v1.ts";
import type { AdmissionPlugin } from "./plugin.ts";

const oldAnnotation = "kubernetes.io/ingress.class";
const isDefault = ({ metadata }: KubeObject) =>
  metadata.annotations?.["ingressclass.kubernetes.io/is-default-class"] === "true";
const created = ({ metadata }: KubeObject) => Date.parse(metadata.creationTimestamp ?? "") || 0;

export const defaultIngressClass: AdmissionPlugin = {
  name: "DefaultIngressClass",
  mutate({ resource, operation, subresource, object }, lookup) {
    if (resource.group !== "networking.k8s.io" || resource.plural !== "ingresses") return;
    if (operation !== "CREATE" || subresource !== undefined || object === undefined) return;
    const ingress = object as unknown as Ingress;
    if (ingress.metadata.annotations?.[oldAnnotation] !== undefined) return;
    if (ingress.spec === undefined || ingress.spec.ingressClassName !== undefined) return;
    const classes = lookup.list("networking.k8s.io/ingressclasses").filter(isDefault);
    classes.sort((a, b) => created(b) - created(a) || (a.metadata.name < b.metadata.name ? -1 : 1));
    if (classes[0] !== undefined) ingress.spec.ingressClassName = classes[0].metadata.name;
  },
};

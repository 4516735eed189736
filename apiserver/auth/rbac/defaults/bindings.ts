/** Who has the default roles (bootstrappolicy/policy.go, ClusterRoleBindings; for hosts that join, as kubeadm binds them). */
import { bootstrapGroup } from "../../../../lib/join/bootstrap_token.ts";
import { nodesGroup, proxiesGroup } from "../../../../lib/join/signers.ts";
import { settingsMap } from "../../../../lib/join/settings.ts";
import { controllerRoles } from "./controller_roles.ts";
import type { DefaultBinding } from "./rule.ts";

const authenticated = "system:authenticated";
const unauthenticated = "system:unauthenticated";
const nodeClient = "system:certificates.k8s.io:certificatesigningrequests:nodeclient";
const selfNodeClient = "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient";
const same = (role: string, to: Partial<DefaultBinding>): DefaultBinding => ({ name: role, role, ...to });

export const defaultBindings: readonly DefaultBinding[] = [
  same("cluster-admin", { groups: ["system:masters"] }),
  same("system:monitoring", { groups: ["system:monitoring"] }),
  same("system:discovery", { groups: [authenticated] }),
  same("system:basic-user", { groups: [authenticated] }),
  same("system:public-info-viewer", { groups: [authenticated, unauthenticated] }),
  // Who shall trust the cluster's tokens must be able to ask for its keys: they are public.
  same("system:service-account-issuer-discovery", {
    groups: ["system:serviceaccounts", authenticated, unauthenticated],
  }),
  same("system:sauropod:health-details", { groups: [authenticated, unauthenticated] }),
  same("system:node", {}),
  same("system:node-proxier", { users: ["system:kube-proxy"], groups: [proxiesGroup] }),
  same("system:sauropod:node-proxy", { groups: [proxiesGroup] }),
  same("system:kube-controller-manager", { users: ["system:kube-controller-manager"] }),
  same("system:kube-dns", { users: ["system:serviceaccount:kube-system:kube-dns"] }),
  same("system:kube-scheduler", { users: ["system:kube-scheduler"] }),
  same("system:volume-scheduler", { users: ["system:kube-scheduler"] }),
  { name: "system:sauropod:node-bootstrap", role: "system:node-bootstrapper", groups: [bootstrapGroup] },
  { name: "system:sauropod:node-bootstrap-certificates", role: nodeClient, groups: [bootstrapGroup] },
  { name: "system:sauropod:node-certificate-rotation", role: selfNodeClient, groups: [nodesGroup] },
  same("system:sauropod:node-certificates", { groups: [nodesGroup] }),
  same("system:sauropod:settings-reader", { namespace: settingsMap.namespace, groups: [bootstrapGroup] }),
  same("system:sauropod:dns-settings-reader", { namespace: "kube-system", groups: [proxiesGroup] }),
  {
    name: "system::extension-apiserver-authentication-reader",
    role: "extension-apiserver-authentication-reader",
    namespace: "kube-system",
    users: ["system:kube-controller-manager", "system:kube-scheduler"],
  },
  ...controllerRoles.map(({ name, namespace }) => same(name, { namespace, users: [name] })),
];

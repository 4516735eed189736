/**
 * Every pod runs as a ServiceAccount of its namespace, pulls images with its secrets, and finds a token of it, the cluster's
 * certificate and the namespace's name where clients look for them (plugin/pkg/admission/serviceaccount).
 */
import { defaultServiceAccountWaitMs } from "../../lib/limits.ts";
import type { KubeObject } from "../../lib/kind.ts";
import { nameSuffix, type Random } from "../../lib/seams/random.ts";
import type { Container, Pod, PodSpec, ServiceAccount, Volume } from "../../lib/types/core_v1.ts";
import { forbidden, isPod } from "./forbidden.ts";
import type { AdmissionPlugin, Attributes, Lookup } from "./plugin.ts";

const mirrorAnnotation = "kubernetes.io/config.mirror";
const mountableAnnotation = "kubernetes.io/enforce-mountable-secrets";
const defaultName = "default";
const mountPath = "/var/run/secrets/kubernetes.io/serviceaccount";
const volumePrefix = "kube-api-access-";
/** Not an hour, so that it can be told from what a person asks for. */
const tokenSeconds = 3607;

export function serviceAccount(random: Random): AdmissionPlugin {
  return {
    name: "ServiceAccount",
    async mutate(attributes: Attributes, lookup: Lookup) {
      if (!isPod(attributes) || attributes.operation !== "CREATE") return;
      const { spec, metadata } = attributes.object as unknown as Pod;
      if (spec === undefined || metadata.annotations?.[mirrorAnnotation] !== undefined) return;
      const name = spec.serviceAccountName || spec.serviceAccount || defaultName;
      spec.serviceAccountName = name;
      // The field's old name, which Kubernetes fills in for old clients.
      spec.serviceAccount = name;
      const account = await accountOf(attributes, lookup, name);
      if (spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(spec, random);
      if ((spec.imagePullSecrets ?? []).length > 0 || (account.imagePullSecrets ?? []).length === 0) return;
      spec.imagePullSecrets = account.imagePullSecrets!.map((secret) => ({ ...secret }));
    },
    async validate(attributes: Attributes, lookup: Lookup) {
      const { operation, subresource } = attributes;
      const adds = attributes.resource.group === "" && attributes.resource.plural === "pods" &&
        operation === "UPDATE" && subresource === "ephemeralcontainers";
      if (!adds && (!isPod(attributes) || operation !== "CREATE")) return;
      const { spec, metadata } = attributes.object as unknown as Pod;
      const mirror = metadata.annotations?.[mirrorAnnotation] !== undefined;
      if (mirror) {
        if (!adds && spec?.serviceAccountName) {
          throw forbidden(attributes, "a mirror pod may not reference service accounts");
        }
        return;
      }
      const account = await accountOf(attributes, lookup, spec.serviceAccountName || defaultName);
      if (account.metadata.annotations?.[mountableAnnotation] !== "true") return;
      const wrong = adds
        ? unmountable(account, { containers: spec.ephemeralContainers ?? [] })
        : unmountable(account, spec);
      if (wrong !== undefined) throw forbidden(attributes, wrong);
    },
  };
}

async function accountOf(attributes: Attributes, lookup: Lookup, name: string): Promise<ServiceAccount> {
  const found = await find(lookup, attributes.namespace!, name);
  if (found !== undefined) return found;
  const what = `error looking up service account ${attributes.namespace}/${name}`;
  throw forbidden(attributes, `${what}: serviceaccount ${JSON.stringify(name)} not found`);
}

async function find(lookup: Lookup, namespace: string, name: string): Promise<ServiceAccount | undefined> {
  const key = `${namespace}/${name}`;
  const known = lookup.get<ServiceAccount & KubeObject>("serviceaccounts", key);
  if (known !== undefined) return known;
  // A new namespace gets its default account from a control loop: who creates a pod at once should not fail for that.
  if (name === defaultName) return await lookup.appears("serviceaccounts", key, defaultServiceAccountWaitMs);
  await lookup.fresh();
  return lookup.get("serviceaccounts", key);
}

/** Changes the spec: in each container that has nothing there. */
function mountToken(spec: PodSpec, random: Random): void {
  const there = (spec.volumes ?? []).find(({ name }) => name?.startsWith(volumePrefix));
  const name = there?.name ?? volumePrefix + nameSuffix(random);
  let used = false;
  for (const container of [...spec.initContainers ?? [], ...spec.containers ?? []]) {
    const mounts = container.volumeMounts ??= [];
    if (mounts.some((mount) => mount.mountPath === mountPath)) continue;
    mounts.push({ name, readOnly: true, mountPath } as NonNullable<Container["volumeMounts"]>[number]);
    used = true;
  }
  if (used && there === undefined) spec.volumes = [...spec.volumes ?? [], tokenVolume(name)];
}

function tokenVolume(name: string): Volume {
  return {
    name,
    projected: {
      defaultMode: 0o644,
      sources: [
        { serviceAccountToken: { path: "token", expirationSeconds: tokenSeconds } },
        { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
        {
          downwardAPI: {
            items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }],
          },
        },
      ],
    },
  } as Volume;
}

type Parts = Pick<PodSpec, "volumes" | "initContainers" | "imagePullSecrets"> & {
  containers: readonly Pick<Container, "name" | "env" | "envFrom">[];
};

/** Why a pod may not name a Secret: its account says which ones it may. */
function unmountable(account: ServiceAccount, spec: Parts): string | undefined {
  const of = `service account ${JSON.stringify(account.metadata.name)}`;
  const names = new Set((account.secrets ?? []).map(({ name }) => name));
  const pulls = new Set((account.imagePullSecrets ?? []).map(({ name }) => name));
  for (const { name, secret } of spec.volumes ?? []) {
    if (secret === undefined || names.has(secret.secretName)) continue;
    return `volume with secret.secretName=${JSON.stringify(secret.secretName)} is not allowed because ${of} does not ` +
      `reference that secret (volume ${JSON.stringify(name)})`;
  }
  for (const container of [...spec.initContainers ?? [], ...spec.containers]) {
    for (const { name, valueFrom } of container.env ?? []) {
      const secret = valueFrom?.secretKeyRef?.name;
      if (secret === undefined || names.has(secret)) continue;
      return `container ${container.name} with envVar ${name} referencing secret.secretName=${
        JSON.stringify(secret)
      } ` +
        `is not allowed because ${of} does not reference that secret`;
    }
    for (const { secretRef } of container.envFrom ?? []) {
      if (secretRef === undefined || names.has(secretRef.name)) continue;
      return `container ${container.name} with envFrom referencing secret.secretName=${
        JSON.stringify(secretRef.name)
      } ` +
        `is not allowed because ${of} does not reference that secret`;
    }
  }
  const pull = (spec.imagePullSecrets ?? []).findIndex(({ name }) => !pulls.has(name));
  if (pull < 0) return undefined;
  const name = JSON.stringify(spec.imagePullSecrets![pull]!.name);
  return `imagePullSecrets[${pull}].name=${name} is not allowed because ${of} does not reference that imagePullSecret`;
}

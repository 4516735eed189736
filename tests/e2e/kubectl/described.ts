/** `kubectl describe` and `kubectl get` of every kind that is served, each with an object of its own. */
import assert from "assert";
import { resources } from "../../../apiserver/registry/mod.ts";
import type { Resource } from "../../../apiserver/rest/resource.ts";
import { apiVersionOf } from "../../../lib/kind.ts";
import { type Json, sampleOf } from "../../integration/walk/samples.ts";
import type { Shell } from "./shell.ts";

/** There are real ones, and a false one would be taken for one. */
const real = new Set(["Node", "Namespace", "Event", "Pod", "Lease", "ServiceCIDR", "IPAddress", "EndpointSlice"]);
/** kubectl before 1.34 describes these by their beta versions only, which Kubernetes 1.36 does not serve either. */
const betaOnly = new Set(["IPAddress", "ServiceCIDR", "VolumeAttributesClass"]);
const namespace = "walk";

/** No node has that label: pods of these wait. */
function nowhere(object: Json): Json {
  const copy = structuredClone(object) as { spec?: Record<string, unknown> };
  const holders = [copy.spec, (copy.spec?.jobTemplate as { spec?: Record<string, unknown> } | undefined)?.spec];
  for (const holder of holders) {
    const template = holder?.template as { spec?: Record<string, unknown> } | undefined;
    if (template?.spec !== undefined) template.spec.nodeSelector = { nowhere: "yes" };
  }
  return copy;
}

function manifest(resource: Resource): string {
  const sample = sampleOf(resource);
  const name = sample.name?.(7) ?? "described";
  const metadata = { name, ...(resource.namespaced ? { namespace } : {}) };
  return JSON.stringify({
    apiVersion: apiVersionOf(resource),
    kind: resource.kind,
    metadata,
    ...nowhere(sample.object),
  });
}

const full = ({ plural, group, version }: Resource) => group === "" ? plural : `${plural}.${version}.${group}`;

export async function described(shell: Shell): Promise<void> {
  const { step, scene: { cluster } } = shell;
  const kinds = resources.filter(({ verbs }) => verbs.includes("list") && verbs.includes("get"));
  const made = kinds.filter(({ kind, verbs }) => !real.has(kind) && verbs.includes("create"));
  await step("describe and get: every kind", async () => {
    await cluster.ask(`create namespace ${namespace}`);
    // A kind in two versions is one object.
    const manifests = [...new Map(made.map((one) => [`${one.group}/${one.kind}`, manifest(one)])).values()].join("\n");
    const { stderr, code } = await cluster.kubectl("create -f -", { stdin: manifests });
    assert.equal(code, 0, stderr);
    // One command for all: each takes a third of a second to start.
    const told = await cluster.ask([
      "describe",
      kinds.filter(({ kind }) => !betaOnly.has(kind)).map(full).join(","),
      "-A",
    ]);
    const names = new Set([...told.matchAll(/^Name: +(\S+)/gm)].map(([, name]) => name));
    for (const name of ["described", "h1", "kubernetes", "kube-root-ca.crt", "cluster-admin"]) {
      assert.ok(names.has(name), name);
    }
    assert.ok(told.match(/^Name: +described$/gm)!.length >= made.filter(({ kind }) => !betaOnly.has(kind)).length);
    for (const { kind, plural } of kinds.filter(({ kind }) => betaOnly.has(kind))) {
      const { code, stderr } = await cluster.kubectl(`describe ${plural}`);
      assert.ok(code === 0 || /could not find the requested resource/.test(stderr), `describe ${kind}: ${stderr}`);
    }
    const all = kinds.map(full).join(",");
    const { stdout, stderr: error } = await cluster.kubectl(`get ${all} -A --show-kind --no-headers`);
    assert.equal(error, "");
    for (const { singular, group } of made) {
      assert.match(stdout, new RegExp(`${singular}${group === "" ? "" : `.${group}`}/described `), singular);
    }
  });
  await step("delete: one of every kind", async () => {
    const cluster_ = made.filter(({ namespaced }) => !namespaced).map(full).join(",");
    await shell.says(`delete ${cluster_} described --ignore-not-found --wait=false`, /deleted/);
    await shell.says(`delete namespace ${namespace} --timeout=60s`, /deleted/);
  });
}

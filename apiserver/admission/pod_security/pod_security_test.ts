import assert from "assert";
import { createSecured, someone } from "../../../tests/harness/secured.ts";
import * as kinds from "../../../lib/types/kinds.ts";
import type { PodSpec } from "../../../lib/types/core_v1.ts";
import { detailOf, policyOf, violations } from "./policy.ts";

const container = (securityContext: object = {}, more: object = {}) => ({
  name: "c",
  image: "i",
  securityContext,
  ...more,
});
const told = (level: string, spec: object, annotations = {}, version = "latest") =>
  detailOf(violations({ level, version } as never, { spec: spec as PodSpec, annotations }));
const one = (securityContext: object, more: object = {}) => ({ containers: [container(securityContext, more)] });

Deno.test("baseline forbids what leads out of a container, in Kubernetes' words", () => {
  const table: [object, string][] = [
    [one({}), ""],
    [{ ...one({}), hostNetwork: true, hostPID: true }, "host namespaces (hostNetwork=true, hostPID=true)"],
    [one({ privileged: true }), 'privileged (container "c" must not set securityContext.privileged=true)'],
    [
      one({ capabilities: { add: ["SYS_ADMIN", "CHOWN", "NET_RAW"] } }),
      'non-default capabilities (container "c" must not include "NET_RAW", "SYS_ADMIN" in securityContext.capabilities.add)',
    ],
    [
      { ...one({}), volumes: [{ name: "a", hostPath: {} }, { name: "b", hostPath: {} }, { name: "c", emptyDir: {} }] },
      'hostPath volumes (volumes "a", "b")',
    ],
    [
      one({}, { ports: [{ containerPort: 1, hostPort: 80 }, { hostPort: 443 }] }),
      'hostPort (container "c" uses hostPorts 443, 80)',
    ],
    [
      one({}, { livenessProbe: { httpGet: { host: "10.0.0.1" } } }),
      'probe or lifecycle host (container "c" uses probe or lifecycle host "10.0.0.1")',
    ],
    [one({ procMount: "Unmasked" }), 'procMount (container "c" must not set securityContext.procMount to "Unmasked")'],
    [
      { ...one({ seLinuxOptions: { type: "spc_t" } }), securityContext: { seLinuxOptions: { user: "u", role: "r" } } },
      'seLinuxOptions (pod and container "c" set forbidden securityContext.seLinuxOptions: type "spc_t"; user may not be ' +
      "set; role may not be set)",
    ],
    [
      { ...one({}), securityContext: { seccompProfile: { type: "Unconfined" } } },
      'seccompProfile (pod must not set securityContext.seccompProfile.type to "Unconfined")',
    ],
    [
      { ...one({}), securityContext: { sysctls: [{ name: "kernel.msgmax" }, { name: "net.ipv4.tcp_rmem" }] } },
      "forbidden sysctls (kernel.msgmax)",
    ],
    [
      { ...one({}), securityContext: { windowsOptions: { hostProcess: true } } },
      "hostProcess (pod must not set securityContext.windowsOptions.hostProcess=true)",
    ],
    [
      one({ appArmorProfile: { type: "Unconfined" } }),
      'forbidden AppArmor profile (container "c" must not set AppArmor profile type to "Unconfined")',
    ],
  ];
  for (const [spec, want] of table) assert.equal(told("baseline", spec), want);
  const annotations = { "container.apparmor.security.beta.kubernetes.io/c": "unconfined" };
  assert.match(
    told("baseline", one({}), annotations),
    /annotation "container.apparmor.*" must not set AppArmor profile type/,
  );
});

const strict = {
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  runAsNonRoot: true,
  seccompProfile: { type: "RuntimeDefault" },
};

Deno.test("restricted demands that a pod says what it does without", () => {
  assert.equal(told("restricted", one(strict)), "");
  assert.equal(
    told("restricted", one({})),
    'allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), ' +
      'unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), ' +
      'runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), ' +
      'seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")',
  );
  const table: [object, string][] = [
    [one({ ...strict, capabilities: { drop: ["ALL"], add: ["NET_BIND_SERVICE"] } }), ""],
    [
      one({ ...strict, capabilities: { drop: ["ALL"], add: ["CHOWN"] } }),
      'unrestricted capabilities (container "c" must not include "CHOWN" in securityContext.capabilities.add)',
    ],
    [one({ ...strict, runAsUser: 0 }), 'runAsUser=0 (container "c" must not set runAsUser=0)'],
    [
      one({ ...strict, runAsNonRoot: false }),
      'runAsNonRoot != true (container "c" must not set securityContext.runAsNonRoot=false)',
    ],
    [
      { ...one(strict), volumes: [{ name: "a", hostPath: {} }, { name: "b", nfs: {} }, { name: "c", secret: {} }] },
      'restricted volume types (volumes "a", "b" use restricted volume types "hostPath", "nfs")',
    ],
    [
      { ...one({ ...strict, seccompProfile: undefined, runAsNonRoot: undefined }), securityContext: strict },
      "",
    ],
    [{ ...one({ runAsNonRoot: true }), os: { name: "windows" } }, ""],
  ];
  for (const [spec, want] of table) assert.equal(told("restricted", spec), want);
});

Deno.test("a version pins the rules of that time", () => {
  const rmem = { ...one({}), securityContext: { sysctls: [{ name: "net.ipv4.tcp_rmem" }] } };
  assert.equal(told("baseline", rmem, {}, "v1.31"), "forbidden sysctls (net.ipv4.tcp_rmem)");
  assert.equal(told("baseline", rmem, {}, "v1.32"), "");
  const probe = one({}, { livenessProbe: { tcpSocket: { host: "x" } } });
  assert.equal(told("baseline", probe, {}, "v1.33"), "");
  assert.equal(told("restricted", one({ ...strict, runAsUser: 0 }), {}, "v1.22"), "");
  assert.equal(told("baseline", one({ privileged: true }), {}, "v1.999").startsWith("privileged"), true);
});

Deno.test("policyOf() takes what it can't read for the strictest", () => {
  const { policy, errors } = policyOf({
    "pod-security.kubernetes.io/enforce": "strict",
    "pod-security.kubernetes.io/warn": "baseline",
    "pod-security.kubernetes.io/warn-version": "1.30",
  });
  assert.deepEqual([policy.enforce.level, policy.warn, policy.audit.level], [
    "restricted",
    { level: "baseline", version: "latest" },
    "privileged",
  ]);
  assert.deepEqual(errors.map(({ message }) => message), [
    'Invalid value: "strict": must be one of privileged, baseline, restricted',
    'Invalid value: "1.30": must be "latest" or "v1.x"',
  ]);
});

Deno.test("podSecurity refuses pods, warns of templates, and tells what a new level means for pods that are there", async () => {
  const s = await createSecured();
  const root = someone("root", "system:masters");
  const label = (mode: string) => `pod-security.kubernetes.io/${mode}`;
  const namespace = "/api/v1/namespaces/safe";
  const labels = { [label("enforce")]: "baseline", [label("warn")]: "restricted" };
  assert.equal((await s.as(root, "POST", "/api/v1/namespaces", { metadata: { name: "safe", labels } })).status, 201);
  await s.admin.create(kinds.ServiceAccount, { metadata: { name: "default", namespace: "safe" } });
  const pod = (name: string, securityContext: object) => ({ metadata: { name }, spec: one(securityContext) });
  const refused = await s.as(root, "POST", `${namespace}/pods`, pod("a", { privileged: true }));
  assert.deepEqual([refused.status, refused.body.message], [
    403,
    'pods "a" is forbidden: violates PodSecurity "baseline:latest": privileged (container "c" must not set ' +
    "securityContext.privileged=true)",
  ]);
  const warned = await s.as(root, "POST", `${namespace}/pods`, pod("a", {}));
  assert.equal(warned.status, 201);
  assert.match(warned.headers.get("warning") ?? "", /would violate PodSecurity .*restricted:latest/);
  const template = { metadata: { labels: { a: "b" } }, spec: one({ privileged: true }) };
  const deployment = { metadata: { name: "d" }, spec: { selector: { matchLabels: { a: "b" } }, template } };
  const made = await s.as(root, "POST", "/apis/apps/v1/namespaces/safe/deployments", deployment);
  assert.equal(made.status, 201, "what makes pods is warned of, and its pods are refused");
  assert.match(made.headers.get("warning") ?? "", /would violate/);
  const merge = { "content-type": "application/merge-patch+json" };
  const patch = (labels: object) => s.as(root, "PATCH", namespace, { metadata: { labels } }, merge);
  assert.equal((await patch({ [label("enforce")]: "strict" })).status, 422);
  const tightened = await patch({ [label("enforce")]: "restricted" });
  assert.equal(tightened.status, 200);
  assert.match(
    tightened.headers.get("warning") ?? "",
    /existing pods in namespace .*safe.* violate the new PodSecurity/,
  );
  assert.match(
    tightened.headers.get("warning") ?? "",
    /a: allowPrivilegeEscalation != false, unrestricted capabilities/,
  );
  const kept = await s.as(root, "PATCH", `${namespace}/pods/a`, { metadata: { labels: { x: "y" } } }, merge);
  assert.equal(kept.status, 200, "a pod that is there may be labelled");
  const image = await s.as(
    root,
    "PATCH",
    `${namespace}/pods/a`,
    { spec: { containers: [{ name: "c", image: "j" }] } },
    {
      "content-type": "application/strategic-merge-patch+json",
    },
  );
  assert.equal(image.status, 403, "and not given another image");
  await s.close();
});

import assert from "assert";
import { errorsOf, type Loose, makeSpec, withContainer } from "./fixtures.ts";
import { validateProfileAnnotations, validateProfilesMatch } from "./profiles.ts";

const id = "must be between 0 and 2147483647, inclusive";

const podCases: [string, Loose, string[], Loose?][] = [
  ["ids", { fsGroup: -1, runAsUser: 2 ** 31, runAsGroup: 0, supplementalGroups: [1, -2] }, [
    `fsGroup: Invalid value: -1: ${id}`,
    `runAsUser: Invalid value: 2147483648: ${id}`,
    `supplementalGroups[1]: Invalid value: -2: ${id}`,
  ]],
  ["one process namespace", {}, [
    "shareProcessNamespace: Invalid value: true: ShareProcessNamespace and HostPID cannot both be enabled",
  ], { hostPID: true, shareProcessNamespace: true }],
  ["sysctls", {
    sysctls: [
      { name: "net.core.somaxconn", value: "1" },
      { name: "net/ipv4/ip_forward", value: "1" },
      { name: "kernel.msgmax", value: "1" },
      { name: "kernel.msgmax", value: "1" },
      { name: "Kernel", value: "1" },
      { name: "", value: "1" },
    ],
  }, [
    "sysctls[0].name: Invalid value: \"net.core.somaxconn\": may not be specified when 'hostNetwork' is true",
    "sysctls[1].name: Invalid value: \"net/ipv4/ip_forward\": may not be specified when 'hostNetwork' is true",
    'sysctls[3].name: Duplicate value: "kernel.msgmax"',
    'sysctls[4].name: Invalid value: "Kernel": must have at most 253 characters and match regex ' +
    "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$",
    "sysctls[5].name: Required value",
  ], { hostNetwork: true }],
  ["enums", { fsGroupChangePolicy: "Never", supplementalGroupsPolicy: "Add", seLinuxChangePolicy: "None" }, [
    'fsGroupChangePolicy: Unsupported value: "Never": supported values: "Always", "OnRootMismatch"',
    'supplementalGroupsPolicy: Unsupported value: "Add": supported values: "Merge", "Strict"',
    'seLinuxChangePolicy: Unsupported value: "None": supported values: "MountOption", "Recursive"',
  ]],
  ["profiles", {
    seccompProfile: { type: "RuntimeDefault", localhostProfile: "x" },
    appArmorProfile: { type: "Localhost", localhostProfile: " x" },
  }, [
    'seccompProfile.localhostProfile: Invalid value: {"type":"RuntimeDefault","localhostProfile":"x"}: can only be set when seccomp type is Localhost',
    'appArmorProfile.localhostProfile: Invalid value: " x": must not be padded with whitespace',
  ]],
  ["profiles without what they need", {
    seccompProfile: { type: "Localhost" },
    appArmorProfile: {},
    windowsOptions: { runAsUserName: "a\\b\\c" },
  }, [
    "seccompProfile.localhostProfile: Required value: must be set when seccomp type is Localhost",
    'windowsOptions.runAsUserName: Invalid value: "a\\\\b\\\\c": runAsUserName cannot contain more than one backslash',
    "appArmorProfile.type: Required value: type is required when appArmorProfile is set",
  ]],
];

Deno.test("validatePodSecurityContext() checks what a pod runs as", async (t) => {
  for (const [name, securityContext, expected, pod] of podCases) {
    const errors = errorsOf(makeSpec({ securityContext, ...pod })).map((e) => e.replace("securityContext.", ""));
    await t.step(name, () => assert.deepEqual(errors, expected));
  }
});

const containerCases: [string, Loose, string[], Loose?][] = [
  ["ids", { runAsUser: -1 }, [`runAsUser: Invalid value: -1: ${id}`]],
  ["proc of the host's users", { procMount: "Unmasked" }, [
    'procMount: Invalid value: "Unmasked": `hostUsers` must be false to use `Unmasked`',
  ]],
  ["proc of its own users", { procMount: "Unmasked" }, [], { hostUsers: false }],
  ["unknown proc", { procMount: "Bare" }, [
    'procMount: Unsupported value: "Bare": supported values: "Default", "Unmasked"',
  ]],
  ["privileged without escalation", {
    privileged: true,
    allowPrivilegeEscalation: false,
    capabilities: { add: ["CAP_SYS_ADMIN"] },
  }, [
    ': Invalid value: {"privileged":true,"allowPrivilegeEscalation":false,"capabilities":{"add":["CAP_SYS_ADMIN"]}}: cannot set `allowPrivilegeEscalation` to false and `privileged` to true',
    ': Invalid value: {"privileged":true,"allowPrivilegeEscalation":false,"capabilities":{"add":["CAP_SYS_ADMIN"]}}: cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN',
  ]],
];

Deno.test("validateSecurityContext() checks what a container runs as", async (t) => {
  for (const [name, securityContext, expected, pod] of containerCases) {
    const errors = errorsOf(withContainer({ securityContext }, pod)).map((error) =>
      error.replace(/^containers\[0\]\.securityContext\.?/, "")
    );
    await t.step(name, () => assert.deepEqual(errors, expected));
  }
});

const seccomp = "container.seccomp.security.alpha.kubernetes.io/web";
const appArmor = "container.apparmor.security.beta.kubernetes.io/";

Deno.test("validateProfileAnnotations() checks the profiles that annotations name", () => {
  const annotations = { [seccomp]: "localhost/../x", [`${appArmor}web`]: "strict", [`${appArmor}gone`]: "unconfined" };
  const errors = validateProfileAnnotations(annotations, makeSpec(), "metadata.annotations");
  assert.deepEqual(errors.map(({ field, message }) => `${field}: ${message}`), [
    `metadata.annotations.${seccomp}: Invalid value: "../x": must not contain '..'`,
    `metadata.annotations[${appArmor}web]: Invalid value: "strict": invalid AppArmor profile name: "strict"`,
    `metadata.annotations[${appArmor}gone]: Invalid value: "gone": container not found`,
  ]);
});

Deno.test("validateProfilesMatch() wants annotations and fields to agree", () => {
  const spec = withContainer({ securityContext: { seccompProfile: { type: "Localhost", localhostProfile: "a" } } }, {
    securityContext: { appArmorProfile: { type: "RuntimeDefault" } },
  });
  const differences = (seccompValue: string, appArmorValue: string) =>
    validateProfilesMatch({ [seccomp]: seccompValue, [`${appArmor}web`]: appArmorValue }, spec, "spec")
      .map(({ field, message }) => `${field}: ${message}`);
  assert.deepEqual(differences("localhost/a", "runtime/default"), []);
  const at = "spec.containers[0].securityContext";
  assert.deepEqual(differences("localhost/b", "unconfined"), [
    `${at}.seccompProfile.localhostProfile: Forbidden: seccomp profile in annotation and field must match`,
    `${at}.appArmorProfile.type: Forbidden: apparmor type in annotation and field must match`,
  ]);
  assert.deepEqual(differences("unconfined", "runtime/default"), [
    `${at}.seccompProfile.type: Forbidden: seccomp type in annotation and field must match`,
  ]);
});

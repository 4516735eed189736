import assert from "assert";
import { errorsOf, type Loose, makeSpec, withContainer } from "./fixtures.ts";

const check = (cases: [string, Loose, string[], Loose?][]) => async (t: Deno.TestContext) => {
  for (const [name, changes, expected, pod] of cases) {
    const at = "containers[0]";
    const errors = errorsOf(withContainer(changes, pod));
    await t.step(name, () => assert.deepEqual(errors.map((e) => e.replace(`${at}.`, "")), expected));
  }
};

Deno.test(
  "validateContainers() checks what all containers have",
  check([
    ["no image", { image: "" }, ["image: Required value"]],
    ["spaces in a template's image", { image: " nginx " }, []],
    ["unknown policies", { imagePullPolicy: "Now", terminationMessagePolicy: "Log" }, [
      'terminationMessagePolicy: Unsupported value: "Log": supported values: "File", "FallbackToLogsOnError"',
      'imagePullPolicy: Unsupported value: "Now": supported values: "Always", "IfNotPresent", "Never"',
    ]],
    ["ports", {
      ports: [
        { containerPort: 80, name: "http", hostPort: 80 },
        { containerPort: 70000, name: "http" },
        { containerPort: 0, protocol: "ICMP", name: "HTTP" },
        { containerPort: 80, hostPort: 80 },
      ],
    }, [
      'ports[1].name: Duplicate value: "http"',
      "ports[1].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive",
      'ports[2].name: Invalid value: "HTTP": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
      'ports[2].name: Invalid value: "HTTP": must contain at least one letter (a-z)',
      "ports[2].containerPort: Required value",
      'ports[2].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
      'ports[3].hostPort: Duplicate value: "TCP//80"',
    ]],
    ["resize policy of a pod that never restarts", {
      resizePolicy: [{ resourceName: "cpu", restartPolicy: "RestartContainer" }, {
        resourceName: "cpu",
        restartPolicy: "NotRequired",
      }],
    }, [
      "resizePolicy: Invalid value: \"RestartContainer\": must be 'NotRequired' when pod `restartPolicy` is 'Never'",
      'resizePolicy[1]: Duplicate value: "cpu"',
    ], { restartPolicy: "Never" }],
  ]),
);

Deno.test(
  "validateContainers() checks when a container is restarted",
  check([
    ["own policy", { restartPolicy: "OnFailure" }, []],
    ["unknown policy", { restartPolicy: "" }, [
      'restartPolicy: Unsupported value: "": supported values: "Always", "Never", "OnFailure"',
    ]],
    ["rules", {
      restartPolicy: "Never",
      restartPolicyRules: [
        { action: "Restart", exitCodes: { operator: "In", values: [42] } },
        { action: "RestartAllContainers", exitCodes: { operator: "Between" } },
        { action: "Restart" },
      ],
    }, [
      'restartPolicyRules[1].action: Unsupported value: "RestartAllContainers": supported values: "Restart"',
      'restartPolicyRules[1].exitCodes.operator: Unsupported value: "Between": supported values: "In", "NotIn"',
      "restartPolicyRules[2].exitCodes: Required value: must be specified",
    ]],
    [
      "rules without a policy",
      { restartPolicyRules: [{ action: "Restart", exitCodes: { operator: "In", values: [1] } }] },
      ["restartPolicy: Required value: must specify restartPolicy when restart rules are used"],
    ],
    ["too many rules", {
      restartPolicy: "Never",
      restartPolicyRules: Array.from({ length: 21 }, () => ({
        action: "Restart",
        exitCodes: { operator: "NotIn", values: [0] },
      })),
    }, ["restartPolicyRules: Too many: 21: must have at most 20 items"]],
  ]),
);

Deno.test(
  "validateContainers() checks probes and hooks",
  check([
    ["no handler", { livenessProbe: {}, lifecycle: { preStop: {} } }, [
      "lifecycle.preStop: Required value: must specify a handler type",
      "livenessProbe: Required value: must specify a handler type",
    ]],
    ["two handlers", { startupProbe: { exec: { command: ["a"] }, tcpSocket: { port: 80 } } }, [
      "startupProbe.tcpSocket: Forbidden: may not specify more than 1 handler type",
    ]],
    ["bad handlers", {
      livenessProbe: { exec: {} },
      readinessProbe: { httpGet: { port: "WEB", scheme: "FTP", httpHeaders: [{ name: "a b", value: "" }] } },
      startupProbe: { grpc: { port: 0 } },
    }, [
      "livenessProbe.exec.command: Required value",
      'readinessProbe.httpGet.port: Invalid value: "WEB": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
      'readinessProbe.httpGet.port: Invalid value: "WEB": must contain at least one letter (a-z)',
      'readinessProbe.httpGet.scheme: Unsupported value: "FTP": supported values: "HTTP", "HTTPS"',
      'readinessProbe.httpGet.httpHeaders: Invalid value: "a b": a valid HTTP header must consist of alphanumeric ' +
      "characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
      "startupProbe.grpc.port: Invalid value: 0: must be between 1 and 65535, inclusive",
    ]],
    ["thresholds and times", {
      livenessProbe: { tcpSocket: { port: 80 }, successThreshold: 2, periodSeconds: -1 },
      readinessProbe: { tcpSocket: { port: 80 }, successThreshold: 2, terminationGracePeriodSeconds: 0 },
    }, [
      "livenessProbe.periodSeconds: Invalid value: -1: must be greater than or equal to 0",
      "livenessProbe.successThreshold: Invalid value: 2: must be 1",
      "readinessProbe.terminationGracePeriodSeconds: Invalid value: 0: must be greater than 0",
      "readinessProbe.terminationGracePeriodSeconds: Invalid value: 0: must not be set for readinessProbes",
    ]],
    ["sleep within the grace", { lifecycle: { preStop: { sleep: { seconds: 30 } } } }, []],
    ["sleep beyond the grace", { lifecycle: { preStop: { sleep: { seconds: 31 } } } }, [
      "lifecycle.preStop.sleep: Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)",
    ]],
    ["stop signal without an operating system", { lifecycle: { stopSignal: "SIGUSR1" } }, [
      "lifecycle.stopSignal: Forbidden: may not be set for containers with empty `spec.os.name`",
    ]],
    ["stop signal", { lifecycle: { stopSignal: "SIGRTMIN+15" } }, [], { os: { name: "linux" } }],
    ["stop signal of windows", { lifecycle: { stopSignal: "SIGUSR1" } }, [
      'lifecycle.stopSignal: Unsupported value: "SIGUSR1": supported values: "SIGKILL", "SIGTERM"',
    ], { os: { name: "windows" } }],
  ]),
);

const qualified =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric " +
  "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is " +
  "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

Deno.test(
  "validateContainers() checks the environment",
  check([
    ["names", { env: [{ name: "" }, { name: "a b" }, { name: "a=b" }] }, [
      "env[0].name: Required value",
      "env[2].name: Invalid value: \"a=b\": a valid environment variable name must consist only of printable ASCII characters other than '='",
    ]],
    ["sources", {
      env: [
        { name: "A", valueFrom: {} },
        { name: "B", value: "x", valueFrom: { secretKeyRef: { name: "s", key: "k" } } },
        {
          name: "C",
          valueFrom: { secretKeyRef: { name: "s", key: "" }, configMapKeyRef: { name: "c", key: ".." } },
        },
      ],
    }, [
      'env[0].valueFrom: Invalid value: "": must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      'env[1].valueFrom: Invalid value: "": may not be specified when `value` is not empty',
      "env[2].valueFrom.configMapKeyRef.key: Invalid value: \"..\": must not be '..'",
      "env[2].valueFrom.secretKeyRef.key: Required value",
      'env[2].valueFrom: Invalid value: "": may not have more than one field specified at a time',
    ]],
    ["fields", {
      env: [
        "metadata.labels['app']",
        "metadata.labels",
        "metadata.name['x']",
        "spec.host",
        "x",
        "metadata.labels['a b']",
      ]
        .map((fieldPath, i) => ({ name: `V${i}`, valueFrom: { fieldRef: { fieldPath } } })),
    }, [
      'env[1].valueFrom.fieldRef.fieldPath: Unsupported value: "metadata.labels": supported values: "metadata.name", ' +
      '"metadata.namespace", "metadata.uid", "spec.nodeName", "spec.serviceAccountName", "status.hostIP", ' +
      '"status.hostIPs", "status.podIP", "status.podIPs"',
      "env[2].valueFrom.fieldRef.fieldPath: Invalid value: \"metadata.name['x']\": error converting fieldPath: field label does not support subscript: metadata.name['x']",
      'env[4].valueFrom.fieldRef.fieldPath: Invalid value: "x": error converting fieldPath: field label not supported: x',
      `env[5].valueFrom.fieldRef: Invalid value: "a b": ${qualified}`,
    ]],
    ["resources", {
      env: [
        { name: "A", valueFrom: { resourceFieldRef: { resource: "limits.cpu", divisor: "2" } } },
        { name: "B", valueFrom: { resourceFieldRef: { resource: "requests.memory", divisor: "1Mi" } } },
        { name: "C", valueFrom: { resourceFieldRef: { resource: "limits.hugepages-2Mi", divisor: "3" } } },
        { name: "D", valueFrom: { resourceFieldRef: { resource: "limits.pods" } } },
      ],
    }, [
      'env[0].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.cpu": only divisor\'s values 1m and 1 are supported with the cpu resource',
      'env[2].valueFrom.resourceFieldRef.divisor: Invalid value: "limits.hugepages-2Mi": only divisor\'s values 1, 1k, 1M, 1G, 1T, 1P, 1E, 1Ki, 1Mi, 1Gi, 1Ti, 1Pi, 1Ei are supported with the hugepages resource',
      'env[3].valueFrom.resourceFieldRef.resource: Unsupported value: "limits.pods": supported values: "limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"',
    ]],
    ["files", {
      env: ["scratch", "config", "gone"].map((volumeName) => ({
        name: volumeName,
        valueFrom: { fileKeyRef: { key: "K", path: "../env", volumeName } },
      })),
    }, [
      ...[0, 1, 2].map((i) => `env[${i}].valueFrom.fileKeyRef.path: Invalid value: "../env": must not contain '..'`),
      'env[1].valueFrom.fileKeyRef.volumeName: Invalid value: "config": referenced volume must be of type emptyDir',
      'env[2].valueFrom.fileKeyRef.volumeName: Not found: "gone"',
    ], { volumes: [{ name: "scratch" }, { name: "config", configMap: { name: "c" } }] }],
    ["envFrom", { envFrom: [{}, { prefix: "a=", configMapRef: { name: "c-" }, secretRef: {} }] }, [
      'envFrom: Invalid value: "": must specify one of: `configMapRef` or `secretRef`',
      "envFrom[1].prefix: Invalid value: \"a=\": a valid environment variable name must consist only of printable ASCII characters other than '='",
      "envFrom[1].secretRef.name: Required value",
      'envFrom: Invalid value: "": may not have more than one field specified at a time',
    ]],
  ]),
);

Deno.test(
  "validateContainers() checks mounts against the pod's volumes",
  check([
    ["mounts", {
      volumeMounts: [
        { name: "gone", mountPath: "/a" },
        { name: "data", mountPath: "/a", subPath: "/abs", subPathExpr: "../$(X)", mountPropagation: "Bidirectional" },
        { name: "data", mountPath: "", recursiveReadOnly: "Enabled" },
      ],
    }, [
      'volumeMounts[0].name: Not found: "gone"',
      'volumeMounts[1].mountPath: Invalid value: "/a": must be unique',
      'volumeMounts.subPath: Invalid value: "/abs": must be a relative path',
      'volumeMounts[1].subPathExpr: Invalid value: "../$(X)": subPathExpr and subPath are mutually exclusive',
      "volumeMounts.subPathExpr: Invalid value: \"../$(X)\": must not contain '..'",
      "volumeMounts.mountPropagation: Forbidden: Bidirectional mount propagation is available only to privileged containers",
      "volumeMounts[2].mountPath: Required value",
      "volumeMounts.recursiveReadOnly: Forbidden: may only be specified when readOnly is true",
    ], { volumes: [{ name: "data" }] }],
    ["devices", {
      volumeMounts: [{ name: "claim", mountPath: "/dev/a" }],
      volumeDevices: [
        { name: "claim", devicePath: "/dev/a" },
        { name: "data", devicePath: "/dev/../b" },
        { name: "data", devicePath: "" },
      ],
    }, [
      'volumeMounts[0].name: Invalid value: "claim": must not already exist in volumeDevices',
      'volumeMounts[0].mountPath: Invalid value: "/dev/a": must not already exist as a path in volumeDevices',
      'volumeDevices[0].name: Invalid value: "claim": must not already exist in volumeMounts',
      'volumeDevices[0].devicePath: Invalid value: "/dev/a": must not already exist as a path in volumeMounts',
      'volumeDevices[1].name: Invalid value: "data": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
      "volumeDevices[1].devicePath: Invalid value: \"/dev/../b\": can not contain backsteps ('..')",
      'volumeDevices[2].name: Invalid value: "data": must be unique',
      'volumeDevices[2].name: Invalid value: "data": can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
      "volumeDevices[2].devicePath: Required value",
    ], { volumes: [{ name: "data" }, { name: "claim", persistentVolumeClaim: { claimName: "c" } }] }],
  ]),
);

const image = "busybox";

Deno.test("validateInitContainers() tells sidecars from what runs once", () => {
  const livenessProbe = { exec: { command: ["true"] } };
  const spec = makeSpec({
    initContainers: [
      { name: "web", image, livenessProbe, lifecycle: {} },
      { name: "proxy", image, livenessProbe, restartPolicy: "Always", restartPolicyRules: [{ action: "Restart" }] },
      { name: "try", image, resizePolicy: [{ resourceName: "cpu", restartPolicy: "RestartContainer" }] },
    ],
  });
  assert.deepEqual(errorsOf(spec), [
    'initContainers[0].name: Duplicate value: "web"',
    "initContainers[0].lifecycle: Forbidden: may not be set for init containers without restartPolicy=Always",
    "initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always",
    "initContainers[1].restartPolicyRules: Forbidden: restartPolicyRules are not allowed for init containers with restart policy Always",
    "initContainers[2].resizePolicy[0].restartPolicy: Invalid value: \"RestartContainer\": must not be set to 'RestartContainer' for non-sidecar initContainers",
  ]);
});

Deno.test("validateEphemeralContainers() allows what debugging needs", () => {
  const spec = makeSpec({
    volumes: [{ name: "data" }],
    ephemeralContainers: [
      { name: "debug", image, targetContainerName: "web", tty: true, stdin: true },
      {
        name: "web",
        image: " x",
        targetContainerName: "debug",
        ports: [{ containerPort: 80 }],
        resources: { limits: { cpu: "1" } },
        volumeMounts: [{ name: "data", mountPath: "/data", subPath: "a" }],
      },
    ],
  });
  const not = "Forbidden: cannot be set for an Ephemeral Container";
  assert.deepEqual(errorsOf(spec), [
    'ephemeralContainers[1].image: Invalid value: " x": must not have leading or trailing whitespace',
    'ephemeralContainers[1].name: Duplicate value: "web"',
    'ephemeralContainers[1].targetContainerName: Not found: "debug"',
    `ephemeralContainers[1].ports: ${not}`,
    `ephemeralContainers[1].resources: ${not}`,
    `ephemeralContainers[1].volumeMounts[0].subPath: ${not}`,
  ]);
});

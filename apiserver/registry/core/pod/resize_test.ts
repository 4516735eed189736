import assert from "assert";
import { clone } from "../../../../lib/patch/equal.ts";
import type { Container, Pod, PodSpec, PodStatus, ResourceRequirements } from "../../../../lib/types/core_v1.ts";
import { context, created, lines } from "../../meta/kind_scene.ts";
import { pod } from "../pod.ts";
import { podResize } from "./resize.ts";

const amounts = (cpu: string, memory: string): ResourceRequirements => ({
  requests: { cpu, memory },
  limits: { cpu, memory },
});
const app = (resources: ResourceRequirements = amounts("1", "1Gi"), more: Partial<Container> = {}) => ({
  name: "a",
  image: "x",
  resources,
  ...more,
});

function made(spec: Partial<PodSpec> = {}, meta: Record<string, unknown> = {}, status: PodStatus = {}): Pod {
  const object = created(pod, { metadata: meta, spec: { containers: [app()], ...spec } });
  Object.assign(object.status, status);
  return object;
}

/** The errors of a body that differs in what `change` does; `object` is changed. */
function resize(object: Pod, change: (body: Pod) => void): string[] {
  const body = clone(object);
  change(body);
  return lines(podResize.apply(object, body, context));
}

Deno.test("a resize changes CPU and memory, and the generation moves with them", () => {
  const object = made();
  const change = (body: Pod) => {
    body.spec.containers[0]!.resources = amounts("2", "2Gi");
    body.spec.containers[0]!.image = "ignored";
    body.spec.hostname = "ignored";
    body.metadata.labels = { ignored: "yes" };
  };
  assert.deepEqual(resize(object, change), []);
  assert.deepEqual(object.spec.containers[0]!.resources, amounts("2", "2Gi"));
  assert.deepEqual([object.spec.containers[0]!.image, object.spec.hostname, object.metadata.labels], [
    "x",
    undefined,
    undefined,
  ]);
  assert.equal(object.metadata.generation, 2);
  assert.deepEqual(resize(object, change), []);
  assert.equal(object.metadata.generation, 2, "the same again is no change");
});

type Refusal = [name: string, object: Pod, change: (body: Pod) => void, errors: string[]];
const first = (body: Pod) => body.spec.containers[0]!;
const side = app(amounts("1", "1Gi"), { name: "s", restartPolicy: "Always" });
const init = app(amounts("1", "1Gi"), { name: "i" });
const burstable = app({ requests: { cpu: "1", memory: "1Gi" }, limits: { memory: "2Gi" } });
const restart = [{ resourceName: "memory", restartPolicy: "RestartContainer" }] as Container["resizePolicy"];

const refusals: Refusal[] = [
  [
    "a pod of the agent's own",
    made({ nodeName: "n" }, { annotations: { "kubernetes.io/config.mirror": "x" } }),
    () => {},
    [
      ": Forbidden: static pods cannot be resized",
    ],
  ],
  ["a Windows pod", made({ os: { name: "windows" } }), () => {}, [": Forbidden: windows pods cannot be resized"]],
  ["resources of the pod as a whole", made({ resources: amounts("1", "1Gi") }), () => {}, [
    ": Forbidden: pods with pod-level resources cannot be resized",
  ]],
  ["another class", made({ containers: [burstable] }), (body) => first(body).resources = amounts("2", "2Gi"), [
    'spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing',
  ]],
  [
    "what is taken back",
    made({ containers: [burstable] }),
    (body) => first(body).resources = { requests: { cpu: "1" } },
    [
      "spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed",
      "spec.containers[0].resources.limits: Forbidden: resource limits cannot be removed",
    ],
  ],
  [
    "a request above its limit",
    made({ containers: [burstable] }),
    (body) => first(body).resources!.requests!.memory = "3Gi",
    [
      'spec.containers[0].resources.requests: Invalid value: "3Gi": must be less than or equal to memory limit of 2Gi',
    ],
  ],
  [
    "something else than CPU and memory",
    made(),
    (body) => first(body).resources!.limits!["ephemeral-storage"] = "1Gi",
    [
      "spec: Forbidden: only cpu and memory resources are mutable",
    ],
  ],
  ["another policy", made(), (body) => first(body).resizePolicy = restart, [
    "spec: Forbidden: only cpu and memory resources are mutable",
  ]],
  ["another container", made(), (body) => body.spec.containers.push(app(undefined, { name: "b" })), [
    "spec.containers: Forbidden: containers may not be added or removed on resize",
  ]],
  ["another name", made({ initContainers: [side] }), (body) => body.spec.initContainers![0]!.name = "t", [
    "spec.initContainers[0].name: Forbidden: initContainers may not be renamed or reordered on resize",
  ]],
  [
    "a policy to start again an init container that runs once",
    made({ initContainers: [init] }),
    (body) => {
      body.spec.initContainers![0]!.resizePolicy = restart;
      body.spec.initContainers![0]!.resources = amounts("2", "1Gi");
    },
    [
      'spec.initContainers[0].resizePolicy[0].restartPolicy: Invalid value: "RestartContainer": must not be set to ' +
      "'RestartContainer' for non-sidecar initContainers",
      "spec.initContainers[0]: Forbidden: only cpu and memory resources for init or sidecar containers are mutable",
      "spec.initContainers[0]: Forbidden: non-sidecar init containers with a resize policy of RestartContainer cannot " +
      "be resized",
    ],
  ],
  [
    "an agent that does not resize",
    made({}, {}, {
      containerStatuses: [{ name: "a", image: "", imageID: "", ready: true, restartCount: 0, state: { running: {} } }],
    }),
    (body) => first(body).resources = amounts("2", "1Gi"),
    ["spec: Forbidden: Pod running on node without support for resize"],
  ],
];

for (const [name, object, change, errors] of refusals) {
  Deno.test(`a resize is refused: ${name}`, () => assert.deepEqual(resize(object, change), errors));
}

Deno.test("a resize may lower a memory limit, add a limit, and is for sidecars and init containers, too", () => {
  const lower = made();
  assert.deepEqual(resize(lower, (body) => first(body).resources = amounts("1", "1Mi")), []);
  const free = made({ containers: [app({ requests: { cpu: "1" } })] });
  assert.deepEqual(resize(free, (body) => first(body).resources!.limits = { memory: "1Gi" }), []);
  const several = made({ initContainers: [side, init] });
  const all = (body: Pod) =>
    body.spec.initContainers!.forEach((container) => container.resources = amounts("2", "2Gi"));
  assert.deepEqual(resize(several, all), []);
  assert.deepEqual(several.spec.initContainers!.map(({ resources }) => resources), [
    amounts("2", "2Gi"),
    amounts("2", "2Gi"),
  ]);
});

Deno.test("of an applied configuration only what a resize writes is looked at", () => {
  const config = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", labels: { a: "b" } },
    spec: { hostname: "h", containers: [{ name: "a", image: "x", resources: { limits: { cpu: "1" } } }] },
  };
  assert.deepEqual(podResize.narrow!(config), {
    ...config,
    spec: { containers: [{ name: "a", resources: { limits: { cpu: "1" } } }] },
  });
});

import assert from "assert";
import { defaultPodResources, totalOfContainers } from "./pod_resources.ts";
import { formatQuantity } from "../../../../lib/quantity.ts";
import { errorsOf, type Loose, makeSpec, withContainer } from "./fixtures.ts";

const cases: [string, Loose, string[], Loose?][] = [
  ["requests within limits", { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m", memory: "1Gi" } }, []],
  ["requests above limits", {
    limits: { cpu: "1", "example.com/gpu": "2" },
    requests: { cpu: "2", "example.com/gpu": "1" },
  }, [
    'requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    'requests: Invalid value: "1": must be equal to example.com/gpu limit of 2',
  ]],
  ["names", { limits: { gpu: "1", storage: "1", "example.com/": "1", "requests.example.com/gpu": "1" } }, [
    'limits[gpu]: Invalid value: "gpu": must be a standard resource type or fully qualified',
    'limits[gpu]: Invalid value: "gpu": must be a standard resource for containers',
    'limits[storage]: Invalid value: "storage": must be a standard resource for containers',
    'limits[example.com/]: Invalid value: "example.com/": name part must be non-empty',
    "limits[example.com/]: Invalid value: \"example.com/\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    'limits[example.com/]: Invalid value: "example.com/": doesn\'t follow extended resource name standard',
    'limits[requests.example.com/gpu]: Invalid value: "requests.example.com/gpu": doesn\'t follow extended resource name standard',
  ]],
  ["amounts", { limits: { cpu: "-1", "example.com/gpu": "1500m" } }, [
    'limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
    'limits[example.com/gpu]: Invalid value: "1500m": must be an integer',
  ]],
  ["devices without a limit", { requests: { "example.com/gpu": "1" } }, [
    "limits: Required value: Limit must be set for non overcommitable resources",
  ]],
  ["huge pages", { limits: { "hugepages-2Mi": "3Mi" } }, [
    'limits[hugepages-2Mi]: Invalid value: "3Mi": 3Mi is not positive integer multiple of hugepages-2Mi',
    ": Forbidden: HugePages require cpu or memory",
  ]],
  ["huge pages beside memory", { limits: { "hugepages-2Mi": "4Mi", memory: "1Mi" } }, []],
  ["claims", {
    claims: [{ name: "gpu", request: "a" }, { name: "gpu" }, { name: "gpu", request: "a" }, { name: "" }, {
      name: "x",
    }],
  }, [
    'claims[1]: Duplicate value: "gpu"',
    'claims[2]: Duplicate value: "gpu"',
    "claims[3]: Required value",
    'claims[4]: Not found: "x": must be one of the names in pod.spec.resourceClaims: gpu',
  ], { resourceClaims: [{ name: "gpu", resourceClaimName: "gpu" }] }],
];

Deno.test("validateRequirements() checks what a container asks for", async (t) => {
  for (const [name, resources, expected, pod] of cases) {
    const errors = errorsOf(withContainer({ resources }, pod)).map((error) =>
      error.replace("containers[0].resources.", "").replace("containers[0].resources", "")
    );
    await t.step(name, () => assert.deepEqual(errors, expected));
  }
});

const cpu = (name: string, request: string, more: Loose = {}) => ({
  name,
  image: "x",
  resources: { requests: { cpu: request } },
  ...more,
});

Deno.test("totalOfContainers() counts init containers one by one and sidecars beside all after them", () => {
  const total = (containers: Loose[], initContainers: Loose[]) => {
    const cpus = totalOfContainers(makeSpec({ containers, initContainers }), "requests").get("cpu");
    return cpus === undefined ? undefined : formatQuantity(cpus);
  };
  assert.equal(total([cpu("a", "1"), cpu("b", "500m")], []), "1500m");
  assert.equal(total([cpu("a", "1")], [cpu("i", "3"), cpu("j", "2")]), "3");
  assert.equal(total([cpu("a", "1")], [cpu("s", "1", { restartPolicy: "Always" })]), "2");
  assert.equal(total([cpu("a", "1")], [cpu("s", "1", { restartPolicy: "Always" }), cpu("i", "2")]), "3");
  assert.equal(total([cpu("a", "1")], [cpu("i", "2"), cpu("s", "1", { restartPolicy: "Always" })]), "2");
});

Deno.test("defaultPodResources() fills a pod's own requests from its containers' and its limits", () => {
  const spec = makeSpec({
    resources: { limits: { cpu: "2", memory: "1Gi" } },
    containers: [cpu("a", "500m"), {
      name: "b",
      image: "x",
      resources: { requests: { cpu: "1" }, limits: { "hugepages-2Mi": "4Mi" } },
    }],
  });
  defaultPodResources(spec);
  const expected = {
    limits: { cpu: "2", memory: "1Gi", "hugepages-2Mi": "4Mi" },
    requests: { cpu: "1500m", memory: "1Gi", "hugepages-2Mi": "4Mi" },
  };
  assert.deepEqual(spec.resources, expected);
  defaultPodResources(spec);
  assert.deepEqual(spec.resources, expected);
  const none = makeSpec();
  defaultPodResources(none);
  assert.equal(none.resources, undefined);
});

Deno.test("validatePodResources() keeps the containers within the pod's", () => {
  const spec = makeSpec({
    resources: { limits: { cpu: "1", "example.com/gpu": "1" }, requests: { cpu: "1" }, claims: [] },
    containers: [cpu("a", "1", { resources: { requests: { cpu: "1" }, limits: { cpu: "2" } } }), cpu("b", "1")],
  });
  assert.deepEqual(errorsOf(spec), [
    "resources.claims: Forbidden: claims may not be set for Resources at pod-level",
    'resources.limits[example.com/gpu]: Unsupported value: "example.com/gpu": supported values: "cpu", "hugepages-", "memory"',
    'resources.requests[cpu]: Invalid value: "1": must be greater than or equal to aggregate container requests of 2',
    'resources.containers[0][cpu].limits: Invalid value: "2": must be less than or equal to pod limits of 1',
  ]);
  const windows = makeSpec({ os: { name: "windows" }, resources: { limits: { cpu: "1" } } });
  assert.deepEqual(errorsOf(windows), ["resources: Forbidden: may not be set for a windows pod"]);
});

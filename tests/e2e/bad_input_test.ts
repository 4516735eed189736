/** What is wrong is refused: soon, with words that say what and where, and nothing has changed. */
import assert from "assert";
import { deployment, service } from "../harness/manifests.ts";
import { program } from "../harness/program.ts";
import { scenario, type Scene } from "./scenario.ts";

const refusalMsMax = 10_000;

interface Refusal {
  what: string;
  /** Arguments of kubectl. */
  args: string | readonly string[];
  stdin?: string;
  says: RegExp;
}

const json = (object: unknown) => JSON.stringify(object);
const configMap = (metadata: object, more: object = {}) =>
  json({ apiVersion: "v1", kind: "ConfigMap", metadata, ...more });
const pod = (spec: object, name = "bad") => json({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec });
const container = { name: "main", image: "busybox:1.36" };

/** The standing Deployment with one thing changed in its text. */
const changed = (from: string, to: string) => {
  const text = deployment("here", { image: "busybox:1.36", replicas: 0 });
  assert.ok(text.includes(from), `${from} is not in ${text}`);
  return text.replaceAll('"name":"here"', '"name":"bad"').replace(from, to);
};
const badService = (port: object) =>
  json({ apiVersion: "v1", kind: "Service", metadata: { name: "bad" }, spec: { type: "NodePort", ports: [port] } });

const refusals: Refusal[] = [
  {
    what: "broken YAML",
    args: "apply -f -",
    stdin: "kind: Pod\n  metadata: [",
    says: /error parsing STDIN: error converting YAML to JSON: yaml: line 2/,
  },
  {
    what: "an unknown kind",
    args: "create -f -",
    stdin: json({ apiVersion: "v1", kind: "Podd", metadata: { name: "bad" } }),
    says: /no matches for kind "Podd" in version "v1"/,
  },
  {
    what: "an unknown field",
    args: "create -f -",
    stdin: changed('"replicas":0', '"replicas":0,"replica":3'),
    says: /strict decoding error: unknown field "spec\.replica"/,
  },
  {
    what: "an unknown field that is applied",
    args: "apply -f -",
    stdin: changed('"image":', '"imag":"x","image":'),
    says: /strict decoding error: unknown field "spec\.template\.spec\.containers\[0\]\.imag"/,
  },
  {
    what: "a field that is there twice",
    args: "create --raw /api/v1/namespaces/default/configmaps?fieldValidation=Strict -f -",
    stdin: '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"bad"},"data":{"a":"first","a":"second"}}',
    says: /strict decoding error: duplicate field "data\.a"/,
  },
  {
    what: "a value of a wrong type",
    args: "create -f -",
    stdin: changed('"replicas":0', '"replicas":"three"'),
    says:
      /cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec\.spec\.replicas of type int32/,
  },
  {
    what: "an invalid name",
    args: "create -f -",
    stdin: configMap({ name: "Not_Valid" }),
    says:
      /The ConfigMap "Not_Valid" is invalid: metadata\.name: Invalid value: "Not_Valid": a lowercase RFC 1123 subdomain must consist of/,
  },
  {
    what: "an invalid label",
    args: ["patch", "configmap", "here", "-p", '{"metadata":{"labels":{"tier":"-x-"}}}'],
    says: /metadata\.labels: Invalid value: "-x-"/,
  },
  {
    what: "a name that is taken",
    args: "create configmap here",
    says:
      /\(AlreadyExists\): configmaps "here" already exists|error: failed to create configmap: configmaps "here" already exists/,
  },
  {
    what: "a namespace that is not there",
    args: "create configmap bad -n nowhere",
    says: /namespaces "nowhere" not found/,
  },
  {
    what: "a selector that does not match the template",
    args: "create -f -",
    stdin: changed('"matchLabels":{"app":"here"}', '"matchLabels":{"app":"other"}'),
    says:
      /spec\.template\.metadata\.labels: Invalid value: \{"app":"here"\}: `selector` does not match template `labels`/,
  },
  {
    what: "a change of a Deployment's selector",
    args: ["patch", "deployment", "here", "--type=merge", "-p", '{"spec":{"selector":{"matchLabels":{"tier":"x"}}}}'],
    says: /spec\.selector: Invalid value: .*: field is immutable/,
  },
  {
    what: "a change of a Service's address",
    args: ["patch", "service", "here", "-p", '{"spec":{"clusterIP":"10.96.7.7","clusterIPs":["10.96.7.7"]}}'],
    says: /spec\.clusterIPs\[0\]: Invalid value: \["10\.96\.7\.7"\]: may not change once set/,
  },
  {
    what: "a port out of range",
    args: "create -f -",
    stdin: badService({ port: 70000 }),
    says: /spec\.ports\[0\]\.port: Invalid value: 70000: must be between 1 and 65535, inclusive/,
  },
  {
    what: "a node port out of the cluster's range",
    args: "create -f -",
    stdin: badService({ port: 80, nodePort: 80 }),
    says:
      /spec\.ports\[0\]\.nodePort: Invalid value: 80: provided port is not in the valid range\. The range of valid ports is 30000-32767/,
  },
  {
    what: "a pod without containers",
    args: "create -f -",
    stdin: pod({ containers: [] }),
    says: /spec\.containers: Required value/,
  },
  {
    what: "two containers of one name and a restart policy that does not exist: both are told",
    args: "create -f -",
    stdin: pod({ containers: [container, container], restartPolicy: "Sometimes" }),
    says:
      /spec\.containers\[1\]\.name: Duplicate value: "main"[^]*spec\.restartPolicy: Unsupported value: "Sometimes": supported values: "Always", "OnFailure", "Never"/,
  },
  {
    what: "a volume that is not there",
    args: "create -f -",
    stdin: pod({ containers: [{ ...container, volumeMounts: [{ name: "data", mountPath: "/data" }] }] }),
    says: /spec\.containers\[0\]\.volumeMounts\[0\]\.name: Not found: "data"/,
  },
  {
    what: "a quantity that is none",
    args: "create -f -",
    stdin: pod({ containers: [{ ...container, resources: { limits: { memory: "lots" } } }] }),
    says: /quantities must match the regular expression/,
  },
  {
    what: "data of more than a megabyte",
    args: "create -f -",
    stdin: configMap({ name: "bad" }, { data: { big: "x".repeat(2 * 2 ** 20) } }),
    says: /Too long: (may not be more than|must have at most) 1048576 bytes/,
  },
  {
    what: "a body of more than three megabytes",
    args: "create -f -",
    stdin: configMap({ name: "bad" }, { data: { big: "x".repeat(3 * 2 ** 20) } }),
    says: /\(RequestEntityTooLarge\): .*limit is 3145728/,
  },
  {
    what: "a kind that nobody serves",
    args: "get frobs",
    says: /the server doesn't have a resource type "frobs"/,
  },
  { what: "an object that is not there", args: "get pod nobody", says: /\(NotFound\): pods "nobody" not found/ },
  {
    what: "a selector that can't be read",
    args: ["get", "pods", "-l", "a in (b"],
    says: /unable to parse requirement/,
  },
  {
    what: "a field that can't be selected by",
    args: ["get", "pods", "--field-selector", "spec.color=red"],
    says: /\(BadRequest\).*field label not supported: spec\.color/,
  },
  {
    what: "a JSON patch of a place that is not there",
    args: ["patch", "configmap", "here", "--type=json", "-p", '[{"op":"replace","path":"/data/a/b","value":"x"}]'],
    says: /\/data\/a\/b|doesn't exist|the server rejected our request/,
  },
  {
    what: "an update of an old version",
    args: "replace -f -",
    stdin: configMap({ name: "here", namespace: "default", resourceVersion: "1" }, { data: { a: "z" } }),
    says: /\(Conflict\): .*Operation cannot be fulfilled on configmaps "here": the object has been modified/,
  },
  {
    what: "fields that another manager owns",
    args: "apply --server-side --field-manager=other -f -",
    stdin: configMap({ name: "here" }, { data: { a: "z" } }),
    says: /conflict with "[^"]+"[^]*\.data\.a/,
  },
];

/** Every object's identity and version. */
function state({ cluster }: Scene): Promise<string> {
  const columns = "k:.kind,ns:.metadata.namespace,n:.metadata.name,v:.metadata.resourceVersion";
  return cluster.ask(`get deployments,replicasets,pods,services,configmaps,secrets -A -o custom-columns=${columns}`);
}

async function requests(scene: Scene): Promise<void> {
  const { cluster, step } = scene;
  await cluster.ask("create configmap here --from-literal=a=b");
  await cluster.ask("apply -f -", {
    stdin: deployment("here", { image: "busybox:1.36", replicas: 0 }) + service("here", { ports: ["80:80"] }),
  });
  await cluster.ask("rollout status deployment here --timeout=20s");
  for (const { what, args, stdin, says } of refusals) {
    await step(what, async () => {
      const before = await state(scene);
      const begun = performance.now();
      const { code, stdout, stderr } = await cluster.kubectl(args, { stdin });
      const took = performance.now() - begun;
      assert.match(stderr.slice(0, 4_000), says);
      assert.notEqual(code, 0, stdout);
      assert.ok(took < refusalMsMax, `after ${took} ms`);
      assert.equal(await state(scene), before);
    });
  }
}

async function images({ cluster, step }: Scene): Promise<void> {
  await step("an image that is not there is shown by get pods and told by an event", async () => {
    await cluster.ask("run missing --image=registry.invalid/none:1");
    const shown = / 0\/1 +(ErrImagePull|ImagePullBackOff) /;
    await cluster.eventually("get pod missing --no-headers", (text) => shown.test(text));
    const failed = /Failed to pull image "registry\.invalid\/none:1": .*(registry\.invalid|resolv|lookup)/;
    await cluster.eventually("get events --field-selector involvedObject.name=missing", (text) => failed.test(text));
    await cluster.ask("delete pod missing --now");
  });
  await step("an image's name that can't be read is told", async () => {
    await cluster.ask("create -f -", {
      stdin: pod({ containers: [{ ...container, image: "UPPER//case" }] }, "misnamed"),
    });
    await cluster.eventually("get pod misnamed --no-headers", (text) => / 0\/1 +InvalidImageName /.test(text));
    await cluster.ask("delete pod misnamed --now");
  });
  await step("a ConfigMap that is not there keeps the pod waiting, with the name", async () => {
    const env = { envFrom: [{ configMapRef: { name: "absent" } }] };
    await cluster.ask("create -f -", { stdin: pod({ containers: [{ ...container, ...env }] }, "waiting") });
    await cluster.eventually("get pod waiting --no-headers", (text) => /CreateContainerConfigError/.test(text));
    const message = "{.status.containerStatuses[0].state.waiting.message}";
    assert.match(await cluster.ask(`get pod waiting -o jsonpath=${message}`), /configmap "absent" not found/);
    await cluster.ask("delete pod waiting --now");
  });
}

interface Start {
  what: string;
  flags: readonly string[];
  says: RegExp;
  /** Where state lives; a directory of its own when left out. */
  dataDir?: string;
}

const starts: Start[] = [
  { what: "a flag that does not exist", flags: ["--frobnicate"], says: /--frobnicate/ },
  { what: "a port that is none", flags: ["--port=70000"], says: /--port: .*70000/ },
  { what: "an address range that is none", flags: ["--service-cidr=10.96.0.0"], says: /--service-cidr: / },
  {
    what: "ranges that overlap",
    flags: ["--cluster-cidr=10.96.0.0/12"],
    says: /--cluster-cidr and --service-cidr overlap|--service-cidr and --cluster-cidr overlap/,
  },
  { what: "a mode that does not exist", flags: ["--proxy-mode=magic"], says: /--proxy-mode: .*nftables, userspace/ },
  { what: "a role that does not exist", flags: ["--roles=server,cook"], says: /--roles: .*"cook"/ },
  { what: "an engine's socket that is not there", flags: ["--engine=/run/nothing.sock"], says: /\/run\/nothing\.sock/ },
  {
    what: "a Redis that does not answer",
    flags: ["--port=16443", "--redis=redis://127.0.0.1:1"],
    says: /(127\.0\.0\.1:1\b.*(refused|not answer|connect)|(refused|not answer|connect).*127\.0\.0\.1:1\b)/i,
  },
  { what: "a port that is in use", flags: [], says: /cannot listen on 0\.0\.0\.0:6443: the port is in use/ },
  {
    what: "a second start on the same data",
    flags: [],
    dataDir: "/var/lib/sauropod",
    says: /\/var\/lib\/sauropod is in use by another sauropod \(pid \d+\): deno task stop ends it/,
  },
  { what: "a configuration file that is not there", flags: ["--config=/etc/none.yaml"], says: /\/etc\/none\.yaml/ },
];

async function starting(scene: Scene): Promise<void> {
  const { cluster, host, step } = scene;
  for (const { what, flags, says, dataDir = "/run/other" } of starts) {
    await step(`start with ${what}`, async () => {
      const before = await state(scene);
      const begun = performance.now();
      const { code, stdout, stderr } = await host.exec([
        ...["timeout", "40", ...program, "start"],
        ...["--data-dir", dataDir, "--node-ip", host.ip],
        ...(flags.some((flag) => flag.startsWith("--engine")) ? [] : ["--engine", host.engineSocket]),
        ...flags,
      ]);
      const took = performance.now() - begun;
      assert.match(stderr, says, stdout);
      assert.match(stderr.trimEnd().split("\n").at(-1)!, /^sauropod: /, "the last line is what was wrong");
      assert.ok(code === 1 || code === 2, `exit code ${code} after ${took} ms\n${stdout}${stderr}`);
      assert.doesNotMatch(stderr, /^\s+at .*:\d+:\d+\)?$/m, "no stack of calls: people are to read it");
      assert.equal(await state(scene), before);
      assert.match(await cluster.ask("get nodes --no-headers"), / Ready /);
    });
  }
}

scenario("what is wrong is refused", async (scene) => {
  await requests(scene);
  await images(scene);
  await starting(scene);
}, { images: ["busybox:1.36"] });

import assert from "assert";
import { createSecured, someone } from "../../tests/harness/secured.ts";

const root = someone("root", "system:masters");
const classes = "/apis/node.k8s.io/v1/runtimeclasses";
const pods = "/api/v1/namespaces/default/pods";

// deno-lint-ignore no-explicit-any
type Loose = any;

const exists = (key: string, effect?: string) => ({ key, operator: "Exists", effect });
const standard = [
  { key: "node.kubernetes.io/not-ready", operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 },
  { key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 },
];

Deno.test("a RuntimeClass's overhead and scheduling become the pod's", async () => {
  const s = await createSecured();
  await s.as(root, "POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
  const made = async (name: string, more: object) => {
    const { status, text } = await s.as(root, "POST", classes, { metadata: { name }, handler: "x", ...more });
    assert.equal(status, 201, text);
  };
  await made("plain", {});
  await made("heavy", { overhead: { podFixed: { cpu: "250m", memory: "64Mi" } } });
  await made("placed", {
    scheduling: { nodeSelector: { sandbox: "yes" }, tolerations: [exists("sandbox"), exists("a", "NoSchedule")] },
  });
  const refused = "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead";
  const table: [name: string, spec: Loose, expected: Loose | string][] = [
    ["none", {}, { overhead: undefined, nodeSelector: undefined, tolerations: standard }],
    ["plain", { runtimeClassName: "plain" }, { overhead: undefined, tolerations: standard }],
    ["missing", { runtimeClassName: "gone" }, 'pod rejected: RuntimeClass "gone" not found'],
    ["heavy", { runtimeClassName: "heavy" }, { overhead: { cpu: "250m", memory: "64Mi" } }],
    ["heavy, said the same", { runtimeClassName: "heavy", overhead: { cpu: "0.25", memory: "64Mi" } }, {
      overhead: { cpu: "250m", memory: "64Mi" },
    }],
    ["heavy, said otherwise", { runtimeClassName: "heavy", overhead: { cpu: "1" } }, refused],
    [
      "an overhead of its own",
      { overhead: { cpu: "1" } },
      "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
    ],
    ["placed", { runtimeClassName: "placed", nodeSelector: { disk: "fast" } }, {
      nodeSelector: { disk: "fast", sandbox: "yes" },
      tolerations: [...standard, exists("sandbox"), exists("a", "NoSchedule")],
    }],
    [
      "placed, elsewhere",
      { runtimeClassName: "placed", nodeSelector: { sandbox: "no" } },
      "conflict: " +
      "runtimeClass.scheduling.nodeSelector[sandbox] = yes; pod.spec.nodeSelector[sandbox] = no",
    ],
    ["what covers others stays", {
      runtimeClassName: "placed",
      tolerations: [exists("a"), { key: "sandbox", operator: "Equal", value: "1", effect: "NoSchedule" }],
    }, { tolerations: [exists("a"), ...standard, exists("sandbox")] }],
  ];
  for (const [what, spec, expected] of table) {
    const name = what.replaceAll(/[^a-z]+/g, "-");
    const body = { metadata: { name }, spec: { containers: [{ name: "c", image: "web" }], ...spec } };
    const answer = await s.as(root, "POST", pods, body);
    if (typeof expected === "string") {
      const message = `pods "${name}" is forbidden: ${expected}`;
      assert.deepEqual([answer.status, answer.body.message], [403, message], what);
      continue;
    }
    assert.equal(answer.status, 201, answer.text);
    const shown = Object.fromEntries(Object.keys(expected).map((key) => [key, answer.body.spec[key]]));
    assert.deepEqual(shown, clean(expected), what);
  }
  await s.close();
});

/** As JSON has it, but with what must not be there. */
function clean(expected: Loose): Loose {
  return Object.fromEntries(
    Object.entries(expected).map(([key, value]) => [key, value && JSON.parse(JSON.stringify(value))]),
  );
}

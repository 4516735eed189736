import assert from "assert";
import type { ContainerStatus, Pod } from "../../../../lib/types/core_v1.ts";
import { created, statusErrors } from "../../meta/kind_scene.ts";
import { pod } from "../pod.ts";

const ended = (name: string, exitCode: number): ContainerStatus => ({
  name,
  image: "",
  imageID: "",
  ready: false,
  restartCount: 0,
  state: { terminated: { exitCode } },
});
const running = (name: string): ContainerStatus => ({ ...ended(name, 0), state: { running: {} } });

type Change = (status: Pod["status"], object: Pod) => void;

/** Errors of a status that followed `before`. */
function errorsOf(before: Partial<Pod["status"]>, change: Change, spec: Record<string, unknown> = {}): string[] {
  const old = created(pod, { spec: { containers: [{ name: "a", image: "x" }], ...spec } });
  Object.assign(old.status, before);
  return statusErrors(pod, old, (object) => change(object.status, object));
}

Deno.test("validatePodStatusUpdate() refuses what a status can't say", () => {
  const table: [Change, string[]][] = [
    [(status) => status.podIP = "10.1.0.5", []],
    [(status) => status.phase = "Running", []],
    [(status) => status.qosClass = "Burstable", ['status.qosClass: Invalid value: "Burstable": field is immutable']],
    [(status) => status.observedGeneration = -1, [
      "status.observedGeneration: Invalid value: -1: must be a non-negative integer",
    ]],
    [(status) => status.podIPs = [{ ip: "x" }], [
      'status.podIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ]],
    [(status) => status.podIPs = [{ ip: "10.0.0.1" }, { ip: "fd00::1" }], []],
    [(status) => status.podIPs = [{ ip: "10.0.0.1" }, { ip: "10.0.0.1" }], [
      'status.podIPs: Invalid value: [{"ip":"10.0.0.1"},{"ip":"10.0.0.1"}]: may specify no more than one IP for each IP family',
      'status.podIPs[1]: Duplicate value: "10.0.0.1"',
    ]],
    [(status) => Object.assign(status, { hostIP: "10.0.0.2", hostIPs: [{ ip: "10.0.0.1" }] }), [
      'status.hostIPs[0].ip: Invalid value: "10.0.0.1": must be equal to `hostIP`',
    ]],
    [(status) => status.resourceClaimStatuses = [{ name: "gpu" }], [
      'status.resourceClaimStatuses[0].name: Invalid value: "gpu": must match the name of an entry in `spec.resourceClaims`',
    ]],
    [(status) => status.containerStatuses = [{ ...running("a"), user: { linux: { uid: -1, gid: 0 } } }], [
      "status.containerStatuses[0].linux.uid: Invalid value: -1: must be between 0 and 2147483647, inclusive",
    ]],
    [(status) => status.conditions = [{ type: "PodScheduled", status: "True", observedGeneration: -2 }], [
      "status.conditions[0].observedGeneration: Invalid value: -2: must be a non-negative integer",
    ]],
  ];
  for (const [change, expected] of table) assert.deepEqual(errorsOf({}, change), expected, String(change));
  const [nominated] = errorsOf({}, (status) => status.nominatedNodeName = "N1");
  assert.match(nominated!, /^status\.nominatedNodeName: Invalid value: "N1": a lowercase RFC 1123 subdomain/);
  const [condition] = errorsOf({}, (status) => status.conditions = [{ type: "-", status: "True" }]);
  assert.match(condition!, /^status\.conditions\[0\]\.Type: Invalid value: "-": name part must consist/);
});

Deno.test("validatePodStatusUpdate() keeps containers ended that may not be restarted", () => {
  const refused = (list: string) =>
    `status.${list}[0].state: Forbidden: may not be transitioned to non-terminated state`;
  const rule = { action: "Restart", exitCodes: { operator: "In", values: [42] } };
  const table: [exitCode: number, spec: Record<string, unknown>, expected: string[]][] = [
    [0, { restartPolicy: "Always" }, []],
    [0, { restartPolicy: "OnFailure" }, [refused("containerStatuses")]],
    [1, { restartPolicy: "OnFailure" }, []],
    [1, { restartPolicy: "Never" }, [refused("containerStatuses")]],
    [42, { restartPolicy: "Never", containers: [{ name: "a", image: "x", restartPolicyRules: [rule] }] }, []],
    [41, { restartPolicy: "Never", containers: [{ name: "a", image: "x", restartPolicyRules: [rule] }] }, [
      refused("containerStatuses"),
    ]],
  ];
  for (const [exitCode, spec, expected] of table) {
    const before = { containerStatuses: [ended("a", exitCode)] };
    const found = errorsOf(before, (status) => status.containerStatuses = [running("a")], spec);
    assert.deepEqual(found, expected, JSON.stringify(spec));
  }
  const sidecar = { restartPolicy: "Never", initContainers: [{ name: "i", image: "x", restartPolicy: "Always" }] };
  const init = { initContainerStatuses: [ended("i", 0)] };
  assert.deepEqual(errorsOf(init, (status) => status.initContainerStatuses = [running("i")], sidecar), []);
  const debug = { ephemeralContainerStatuses: [ended("d", 1)] };
  assert.deepEqual(errorsOf(debug, (status) => status.ephemeralContainerStatuses = [running("d")]), [
    refused("ephemeralContainerStatuses"),
  ]);
});

Deno.test("a pod's status keeps podIP and podIPs alike, and never touches owners", () => {
  const old = created(pod, { spec: { containers: [{ name: "a", image: "x" }] } });
  const with_ = (status: Partial<Pod["status"]>) => {
    const object = { ...structuredClone(old), status: { ...old.status, ...status } };
    pod.defaults(object);
    return [object.status.podIP, object.status.podIPs];
  };
  assert.deepEqual(with_({ podIP: "10.0.0.1" }), ["10.0.0.1", [{ ip: "10.0.0.1" }]]);
  assert.deepEqual(with_({ podIPs: [{ ip: "10.0.0.2" }] }), ["10.0.0.2", [{ ip: "10.0.0.2" }]]);
  assert.deepEqual(with_({ podIP: "10.0.0.3", podIPs: [{ ip: "10.0.0.2" }] }), ["10.0.0.3", [{ ip: "10.0.0.3" }]]);
  const owner = { apiVersion: "v1", kind: "Node", name: "n", uid: "u" };
  const object = structuredClone(old);
  object.metadata.ownerReferences = [owner];
  pod.prepareStatus!(object, old, undefined as never);
  assert.equal(object.metadata.ownerReferences, undefined);
});

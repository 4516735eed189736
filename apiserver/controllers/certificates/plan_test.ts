import assert from "assert";
import * as signers from "../../../lib/join/signers.ts";
import { tokenSecret } from "../../../lib/join/bootstrap_token.ts";
import { rfc3339 } from "../../../lib/seams/clock.ts";
import type { CertificateSigningRequest } from "../../../lib/types/certificates_v1.ts";
import type { Node, Secret } from "../../../lib/types/core_v1.ts";
import { readTokenSecret } from "../../../lib/join/bootstrap_token.ts";
import { settingsData } from "../../../lib/join/settings.ts";
import { type ApprovalView, planApproval } from "./approver.ts";
import { planCleaning } from "./cleaner.ts";
import { type Applicant, type Known, refusal } from "./identity.ts";
import { Reservations } from "./reservations.ts";
import { planSettings } from "./settings.ts";
import { recognize, signerErrors } from "./shape.ts";
import { planSigning } from "./signer.ts";
import { planToken } from "./token_cleaner.ts";

// deno-lint-ignore no-explicit-any -- parts of objects
type Any = any;

const now = Date.UTC(2026, 0, 1);
const hour = 3_600_000;

const subject = (commonName: string, organizations: string[], more: Any = {}) => ({
  commonName,
  organizations,
  dnsNames: [],
  ipAddresses: [],
  emailAddresses: [],
  uris: [],
  ...more,
});
const client = ["digital signature", "client auth"];
const serving = ["digital signature", "server auth"];
const kubelet = subject("system:node:n1", ["system:nodes"]);
const proxy = subject("system:node-proxy:n1", ["system:node-proxier"]);

Deno.test("signerErrors() says what its signer does not sign", () => {
  const named = { dnsNames: ["n1"], ipAddresses: ["192.0.2.1"] };
  const table: [string, Any, string[], string | undefined][] = [
    [signers.nodeClientSigner, kubelet, client, undefined],
    [signers.nodeClientSigner, kubelet, ["key encipherment", ...client], undefined],
    [signers.nodeClientSigner, kubelet, serving, "usages did not match digital signature, client auth"],
    [
      signers.nodeClientSigner,
      { ...kubelet, organizations: ["system:masters"] },
      client,
      "subject organization is not system:nodes",
    ],
    [
      signers.nodeClientSigner,
      { ...kubelet, organizations: ["system:nodes", "a"] },
      client,
      "subject organization is not system:nodes",
    ],
    [signers.nodeClientSigner, { ...kubelet, ...named }, client, "DNS subjectAltNames are not allowed"],
    [
      signers.nodeClientSigner,
      { ...kubelet, commonName: "n1" },
      client,
      "subject common name does not begin with system:node:",
    ],
    [signers.nodeServingSigner, { ...kubelet, ...named }, serving, undefined],
    [signers.nodeServingSigner, kubelet, serving, "DNS or IP subjectAltName is required"],
    [
      signers.nodeServingSigner,
      { ...kubelet, ...named, uris: ["x:y"] },
      serving,
      "URI subjectAltNames are not allowed",
    ],
    [
      signers.nodeServingSigner,
      { ...kubelet, ...named },
      client,
      "usages did not match digital signature, server auth",
    ],
    [signers.proxyClientSigner, proxy, client, undefined],
    [signers.proxyClientSigner, kubelet, client, "subject organization is not system:node-proxier"],
    [signers.clientSigner, subject("bob", ["dev"]), ["client auth"], undefined],
    [
      signers.clientSigner,
      subject("bob", ["dev"]),
      ["server auth"],
      "invalid usage for client certificate: server auth",
    ],
    ["example.com/x", kubelet, client, 'unrecognized signerName: "example.com/x"'],
  ];
  for (const [signer, asked, usages, want] of table) {
    assert.equal(signerErrors(signer, asked, usages), want, `${signer} ${JSON.stringify(asked)}`);
  }
});

Deno.test("recognize() knows whose request it is and what permission it takes", () => {
  const named = { ...kubelet, dnsNames: ["n1"] };
  const table: [string, Any, string[], string, string | undefined][] = [
    [signers.nodeClientSigner, kubelet, client, "system:bootstrap:abcdef", "n1 nodeclient"],
    [signers.nodeClientSigner, kubelet, client, "system:node:n1", "n1 selfnodeclient"],
    [signers.nodeServingSigner, named, serving, "system:node:n1", "n1 selfnodeserver"],
    [signers.nodeServingSigner, named, serving, "system:node:n2", undefined],
    [signers.nodeServingSigner, named, serving, "system:bootstrap:abcdef", undefined],
    [signers.proxyClientSigner, proxy, client, "system:node:n1", "n1 proxyclient"],
    [signers.proxyClientSigner, proxy, client, "system:node-proxy:n1", "n1 selfproxyclient"],
    [signers.proxyClientSigner, proxy, client, "system:node:n2", undefined],
    [
      signers.nodeClientSigner,
      { ...kubelet, commonName: "system:node:N_1" },
      client,
      "system:bootstrap:abcdef",
      undefined,
    ],
    [signers.clientSigner, subject("bob", []), ["client auth"], "bob", undefined],
  ];
  for (const [signer, asked, usages, username, want] of table) {
    const found = recognize(signer, asked, { usages, username });
    assert.equal(found && `${found.node} ${found.permission}`, want, `${signer} by ${username}`);
  }
});

const node = (name: string, { machine = "m1", ready = "True", ip = "192.0.2.9" } = {}): Node =>
  ({
    metadata: { name },
    spec: {},
    status: {
      nodeInfo: { machineID: machine },
      addresses: [{ type: "InternalIP", address: ip }, { type: "Hostname", address: name }],
      conditions: [{ type: "Ready", status: ready }],
    },
  }) as Any;

Deno.test("refusal() lets a machine come back as it likes, and no other take its name", () => {
  const who: Applicant = { name: "n1", machine: "m1", dnsNames: [], ipAddresses: [], addresses: "192.0.2.9" };
  const free: Known = { node: undefined, reserved: undefined, neighbours: [] };
  const reserved = { machine: "m1", addresses: "192.0.2.9" };
  const table: [string, Partial<Applicant>, Partial<Known>, RegExp | undefined][] = [
    ["a free name", {}, {}, undefined],
    ["its own Node", {}, { node: node("n1") }, undefined],
    [
      "another's Node",
      { machine: "m2" },
      { node: node("n1") },
      /^node n1 is another machine \(192\.0\.2\.9\), with machine id m1; this one's is m2: .*--node-name.*kubectl delete node n1/,
    ],
    [
      "another's Node that is away",
      { machine: "m2" },
      { node: node("n1", { ready: "Unknown" }) },
      /is another machine/,
    ],
    ["no id, and the Node lives", { machine: "" }, { node: node("n1") }, /this one's is \(none\)/],
    ["no id, and the Node is away", { machine: "" }, { node: node("n1", { ready: "Unknown" }) }, undefined],
    ["a name that it is about to have", {}, { reserved }, undefined],
    [
      "a name that another is about to have",
      { machine: "m2" },
      { reserved },
      /another machine \(192\.0\.2\.9\) is joining as node n1/,
    ],
    [
      "no ids, other addresses",
      { machine: "", addresses: "192.0.2.8" },
      { reserved: { ...reserved, machine: "" } },
      /is joining/,
    ],
    ["no ids, the same address", { machine: "" }, { reserved: { ...reserved, machine: "" } }, undefined],
    ["its own names", { dnsNames: ["n1"], ipAddresses: ["192.0.2.9"] }, { neighbours: [node("n1")] }, undefined],
    ["another's name", { dnsNames: ["n1", "n2"] }, {}, /can't be for the name n2/],
    [
      "a neighbour's address",
      { ipAddresses: ["192.0.2.9"] },
      { neighbours: [node("n2")] },
      /192\.0\.2\.9 is that of node n2/,
    ],
    [
      "that of one who is away",
      { ipAddresses: ["192.0.2.9"] },
      { neighbours: [node("n2", { ready: "Unknown" })] },
      undefined,
    ],
  ];
  for (const [what, applicant, known, want] of table) {
    const no = refusal({ ...who, ...applicant }, { ...free, ...known });
    if (want === undefined) assert.equal(no, undefined, what);
    else assert.match(no?.message ?? "", want, what);
  }
});

const request = (more: Any = {}): CertificateSigningRequest =>
  ({
    metadata: { name: "csr-1", uid: "u", creationTimestamp: rfc3339(now) },
    spec: { signerName: signers.nodeClientSigner, username: "system:bootstrap:abcdef", usages: client, ...more.spec },
    status: more.status ?? {},
  }) as Any;

Deno.test("planApproval() approves, denies, or waits for the right to", () => {
  const view: ApprovalView = {
    request: request(),
    recognized: { node: "n1", permission: "nodeclient", approval: "Auto approving x after SubjectAccessReview." },
    permitted: true,
    applicant: { name: "n1", machine: "m1", dnsNames: [], ipAddresses: [], addresses: "" },
    known: { node: undefined, reserved: undefined, neighbours: [] },
  };
  const [approve] = planApproval(view, now) as Any[];
  assert.deepEqual(approve.request.status.conditions, [{
    type: "Approved",
    status: "True",
    reason: "AutoApproved",
    message: "Auto approving x after SubjectAccessReview.",
    lastUpdateTime: "2026-01-01T00:00:00Z",
    lastTransitionTime: "2026-01-01T00:00:00Z",
  }]);
  assert.equal(approve.reserve.name, "n1");
  const taken = { ...view, known: { ...view.known, node: node("n1", { machine: "m2" }) } };
  const [deny] = planApproval(taken, now) as Any[];
  assert.deepEqual([deny.do, deny.request.status.conditions[0].type, deny.request.status.conditions[0].reason], [
    "deny",
    "Denied",
    "NameTaken",
  ]);
  const returning = { ...view, known: { ...view.known, node: node("n1") } };
  assert.equal((planApproval(returning, now)[0] as Any).reserve, undefined);
  assert.equal(planApproval({ ...view, permitted: false }, now)[0]!.do, "wakeAt");
  assert.equal(
    planApproval({ ...taken, applicant: undefined }, now)[0]!.do,
    "approve",
    "an identity that is not compared",
  );
});

Deno.test("planSigning() signs for a year at most, and fails what is not as it should be", () => {
  const lifetime = (expirationSeconds: number | undefined) =>
    (planSigning({ request: request({ spec: { expirationSeconds } }), error: undefined }, now)[0] as Any).lifetimeMs /
    hour;
  assert.deepEqual([lifetime(undefined), lifetime(3600), lifetime(1e9)], [8760, 1, 8760]);
  const [fail] = planSigning({ request: request(), error: "why" }, now) as Any[];
  const { type, reason, message } = fail.request.status.conditions[0];
  assert.deepEqual([type, reason, message], ["Failed", "SignerValidationFailure", "why"]);
});

Deno.test("planCleaning() keeps answers for an hour and questions for a day", () => {
  const at = (type: string) => [{ type, status: "True", lastUpdateTime: rfc3339(now + hour) }];
  const table: [string, Any, number][] = [
    ["unanswered", {}, 24],
    ["approved and not signed", { conditions: at("Approved") }, 25],
    ["signed", { conditions: at("Approved"), certificate: "x" }, 2],
    ["denied", { conditions: at("Denied") }, 2],
    ["failed", { conditions: [...at("Approved"), ...at("Failed")] }, 2],
  ];
  for (const [what, status, hours] of table) {
    const one = request({ status });
    assert.deepEqual(planCleaning(one, now + hours * hour - 1).map((action) => action.do), ["wakeAt"], what);
    assert.deepEqual(planCleaning(one, now + hours * hour).map((action) => action.do), ["delete"], what);
  }
});

Deno.test("planToken() removes a token when its time is over, also one that can't be read", () => {
  const secret = (expiresAt: number | undefined) =>
    tokenSecret({ id: "abcdef", secret: "0".repeat(16) }, { expiresAt }) as Secret;
  const plan = (given: Secret) => planToken({ record: readTokenSecret(given)!, name: "x", uid: "u" }, now);
  assert.deepEqual(plan(secret(undefined)), []);
  assert.deepEqual(plan(secret(now + hour)), [{ do: "wakeAt", at: now + hour, why: "its expiration" }]);
  assert.equal(plan(secret(now))[0]!.do, "delete");
  const odd = secret(now + hour);
  odd.data!.expiration = btoa("tomorrow");
  assert.equal(plan(odd)[0]!.do, "delete");
});

Deno.test("planSettings() makes the ConfigMap and mends it", () => {
  const settings = {
    clusterId: "c",
    clusterCidr: "10.244.0.0/16",
    serviceCidr: "10.96.0.0/16",
    clusterDns: "10.96.0.10",
    clusterDomain: "cluster.local",
    nodePortRange: { from: 1, to: 2 },
  };
  const map = (data: Any) => ({ metadata: {}, data }) as Any;
  assert.equal(planSettings({ map: undefined, settings })[0]!.do, "create");
  assert.deepEqual(planSettings({ map: map(settingsData(settings)), settings }), []);
  assert.equal(
    planSettings({ map: map({ ...settingsData(settings), "cluster-dns": "10.0.0.1" }), settings })[0]!.do,
    "update",
  );
});

Deno.test("Reservations end with the Node, with their time, and when there are too many", () => {
  const names = new Reservations();
  const who = { machine: "m", addresses: "a" };
  names.reserve("n1", who, now);
  assert.equal(names.of("n1", now)?.machine, "m");
  assert.equal(names.of("n1", now + hour), undefined);
  names.release("n1");
  assert.equal(names.of("n1", now), undefined);
  for (let i = 0; i < 1025; i++) names.reserve(`x${i}`, who, now);
  assert.deepEqual([names.of("x0", now), names.of("x1", now)?.machine], [undefined, "m"]);
});

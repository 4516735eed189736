import assert from "assert";
import { clone } from "../../../lib/patch/equal.ts";
import { createKey, createRequest } from "../../../lib/pki/request.ts";
import type { KubeObject } from "../../../lib/kind.ts";
import type { CertificateSigningRequest } from "../../../lib/types/certificates_v1.ts";
import type { ActionSubresource } from "../../rest/resource.ts";
import {
  context,
  created,
  createErrors,
  header,
  isIdempotent,
  lines,
  row,
  statusErrors,
  updated,
} from "../meta/kind_scene.ts";
import { certificateSigningRequest as kind } from "./certificate_signing_request.ts";
import { certificateError } from "./pem.ts";
import { validateSignerName } from "../meta/signer_name.ts";

const request = btoa(await createRequest(await createKey(), { commonName: "ann", organizations: ["ops"] }));
const base = { request, signerName: "example.com/signer", usages: ["client auth"] };
const approval = kind.subresources.approval as ActionSubresource<CertificateSigningRequest>;

/** What a write to `/approval` makes of a request, or its errors. */
function approve(parent: CertificateSigningRequest, conditions: unknown[]) {
  const object = clone(parent);
  const body = { ...clone(parent), status: { conditions, certificate: "eA==" } } as unknown as KubeObject;
  const errors = lines(approval.apply(object, body, context));
  return { object, errors };
}
const approved = { type: "Approved", status: "True", reason: "Test" };

Deno.test("certificateSigningRequest says who asks, whatever the body says", () => {
  const given = { ...base, username: "admin", uid: "1", groups: ["system:masters"], extra: { a: ["b"] } };
  const object = created(kind, { spec: given, status: { conditions: [approved] } });
  assert.deepEqual(object.spec, { ...base, username: "tester" });
  assert.deepEqual(object.status, {});
  assert.ok(isIdempotent(kind, { spec: base }));
  const changed = updated(kind, object, (copy) => copy.spec = { ...copy.spec, username: "x", signerName: "y" });
  assert.deepEqual(changed.spec, object.spec);
});

Deno.test("certificateSigningRequest says all that is wrong", () => {
  const table: [Record<string, unknown>, string[]][] = [
    [{ ...base, expirationSeconds: 600 }, []],
    [{}, [
      'spec.request: Invalid value: "": PEM block type must be CERTIFICATE REQUEST',
      "spec.usages: Required value",
      "spec.signerName: Required value",
    ]],
    [{ ...base, signerName: "kubernetes.io/legacy-unknown", expirationSeconds: 599 }, [
      'spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": ' +
      "the legacy signerName is not allowed via this API version",
      "spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)",
    ]],
    [{ ...base, usages: ["signing", "signing"] }, ['spec.usages[1]: Duplicate value: "signing"']],
  ];
  for (const [spec, expected] of table) assert.deepEqual(createErrors(kind, { spec }), expected);
  const [unknown = ""] = createErrors(kind, { spec: { ...base, usages: ["magic"] } });
  assert.match(unknown, /^spec\.usages\[0\]: Unsupported value: "magic": supported values: "any", "cert sign", /);
  const garbage = btoa("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n");
  const [wrong = ""] = createErrors(kind, { spec: { ...base, request: garbage } });
  assert.match(wrong, /^spec\.request: Invalid value: ".*": unable to parse csr: /);
  const key = btoa("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n" + atob(request));
  assert.match(
    createErrors(kind, { spec: { ...base, request: key } })[0]!,
    /PEM block type must be CERTIFICATE REQUEST$/,
  );
});

Deno.test("validateSignerName() wants a domain and a path", () => {
  const label = (text: string) => `validating label ${JSON.stringify(text)}: a lowercase RFC 1123 `;
  const table: [string, string[]][] = [
    ["kubernetes.io/kubelet-serving", []],
    ["example.com/ns.name", []],
    ["", ["Required value"]],
    ["example.com", ['Invalid value: "example.com": must be a fully qualified domain and path of the form']],
    ["a.b/c/d", ['Invalid value: "a.b/c/d": must be a fully qualified domain and path of the form']],
    ["local/x", ['Invalid value: "local": should be a domain with at least two segments separated by dots']],
    ["a_.b_/C", [`Invalid value: "a_.b_": ${label("a_")}`, `Invalid value: "C": ${label("C")}`]],
    [`a.b/${"x".repeat(254)}`, [`Invalid value: "${"x".repeat(254)}": validating label`]],
    [`a.b/${Array(3).fill("x".repeat(200)).join(".")}`, ["Too long: may not be more than 571 bytes"]],
  ];
  for (const [name, expected] of table) {
    const messages = validateSignerName(name, "f").map(({ message }) => message);
    expected.forEach((start, i) => assert.ok(messages[i]?.startsWith(start), `${name}: ${messages[i]}`));
    if (expected.length === 0) assert.deepEqual(messages, []);
  }
});

Deno.test("certificateSigningRequest is approved with a time, and that is all that /approval changes", () => {
  const parent = created(kind, { spec: base });
  const { object, errors } = approve(parent, [approved]);
  assert.deepEqual(errors, []);
  const at = "2026-01-02T03:04:05Z";
  assert.deepEqual(object.status, { conditions: [{ ...approved, lastUpdateTime: at, lastTransitionTime: at }] });
  assert.deepEqual(object.spec, parent.spec);
});

Deno.test("certificateSigningRequest takes no decision back, and not two", () => {
  const { object: old } = approve(created(kind, { spec: base }), [approved]);
  const table: [unknown[], string[]][] = [
    [old.status.conditions!, []],
    [[], ['status.conditions: Forbidden: updates may not remove a condition of type "Approved"']],
    [[approved, { ...approved, type: "Denied" }], [
      'status.conditions[1].type: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
    ]],
    [[approved, { type: "Failed", status: "False" }, {}], [
      'status.conditions[1].status: Unsupported value: "False": supported values: "True"',
      "status.conditions[2].type: Required value",
      "status.conditions[2].status: Required value",
    ]],
    [[approved, approved], ['status.conditions[1].type: Duplicate value: "Approved"']],
  ];
  for (const [conditions, expected] of table) assert.deepEqual(approve(old, conditions).errors, expected);
});

Deno.test("certificateSigningRequest's status neither approves nor denies, nor replaces a certificate", () => {
  const pending = created(kind, { spec: base });
  const { object: old } = approve(pending, [approved]);
  const changed = (from: CertificateSigningRequest, conditions: unknown[], more = {}) =>
    statusErrors(kind, from, (object) => object.status = { ...more, conditions: clone(conditions) as never });
  assert.deepEqual(changed(pending, [approved]), [
    'status.conditions: Forbidden: updates may not add a condition of type "Approved"',
  ]);
  assert.deepEqual(changed(old, []), [
    'status.conditions: Forbidden: updates may not remove a condition of type "Approved"',
  ]);
  // A decision in other words is the decision that was made.
  assert.deepEqual(changed(old, [{ ...approved, reason: "Other" }, { type: "Failed", status: "True" }]), []);
  const issued = clone(old);
  issued.status.certificate = "b2xk";
  assert.deepEqual(changed(issued, old.status.conditions!, { certificate: "bmV3" }), [
    'status.certificate: Invalid value: "<certificate data>": must contain one or more CERTIFICATE PEM blocks',
    "status.certificate: Forbidden: updates may not modify existing certificate content",
  ]);
});

Deno.test("certificateError() takes nothing but certificates", () => {
  const block = (type: string, body: string) => `-----BEGIN ${type}-----\n${body}-----END ${type}-----\n`;
  const table: [string, RegExp | undefined][] = [
    ["", undefined],
    ["text", /^must contain one or more CERTIFICATE PEM blocks$/],
    [block("PRIVATE KEY", "AAAA\n"), /^only CERTIFICATE PEM blocks are allowed, found "PRIVATE KEY"$/],
    [block("CERTIFICATE", "A: b\n\nAAAA\n"), /^no PEM block headers are permitted$/],
    [block("CERTIFICATE", ""), /^found CERTIFICATE PEM block containing 0 certificates$/],
    [block("CERTIFICATE", "AAAA\n"), /^x509: malformed certificate: /],
  ];
  for (const [text, expected] of table) {
    const error = certificateError(btoa(text));
    if (expected === undefined) assert.equal(error, undefined);
    else assert.match(error ?? "", expected);
  }
});

Deno.test("certificateSigningRequest shows signer, requestor and what became of it", () => {
  assert.equal(header(kind), "Name, Age, SignerName, Requestor, RequestedDuration, Condition");
  const object = created(kind, { spec: { ...base, expirationSeconds: 86400 } });
  const shown = (types: string[], certificate?: string) => {
    object.status = { conditions: types.map((type) => ({ type, status: "True" })), certificate };
    return row(kind, object);
  };
  const start = "web 0s example.com/signer tester 24h";
  assert.equal(shown([]), `${start} Pending |`);
  assert.equal(shown(["Approved"], "x"), `${start} Approved,Issued |`);
  assert.equal(shown(["Approved", "Failed"]), `${start} Approved,Failed |`);
  assert.equal(shown(["Denied"]), `${start} Denied |`);
  assert.equal(kind.fields["spec.signerName"]!(object), "example.com/signer");
});

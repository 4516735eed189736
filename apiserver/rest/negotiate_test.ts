import assert from "assert";
import { StatusError } from "../../lib/status.ts";
import { negotiate } from "./negotiate.ts";

const meta = "g=meta.k8s.io;v=v1";
const protobuf = "application/vnd.kubernetes.protobuf";

function check(accept: string | null, about: "object" | "list" | "watch", want: string): void {
  const headers: Record<string, string> = accept === null ? {} : { accept };
  const { format, as } = negotiate(new Request("http://h/", { headers }), new URLSearchParams(), about);
  assert.equal(`${format} ${as}`, want, `${accept} of ${about}`);
}

Deno.test("negotiate() takes the first form that the client prefers and there is", () => {
  const table: [string | null, "object" | "list" | "watch", string][] = [
    [null, "object", "json object"],
    ["", "object", "json object"],
    ["*/*", "list", "json object"],
    ["application/*", "list", "json object"],
    ["application/yaml", "object", "yaml object"],
    ["application/json; charset=utf-8", "object", "json object"],
    ["text/html, application/json", "object", "json object"],
    [`${protobuf},application/json`, "object", "protobuf object"],
    [`application/json,${protobuf}`, "object", "json object"],
    [`application/json;q=0.5,${protobuf};q=0.9`, "object", "protobuf object"],
    [`${protobuf};q=0,application/json`, "object", "json object"],
    [`application/json;as=Table;${meta}`, "list", "json table"],
    [`application/json;as=Table;${meta}`, "watch", "json table"],
    [`application/json;as="Table";${meta}`, "object", "json table"],
    [`${protobuf};as=Table;${meta},application/json`, "list", "json object"],
    [`application/json;as=PartialObjectMetadataList;${meta}`, "list", "json partial"],
    [`application/json;as=PartialObjectMetadataList;${meta},application/json`, "object", "json object"],
    [`application/json;as=PartialObjectMetadata;${meta}`, "object", "json partial"],
    [`application/json;as=PartialObjectMetadata;${meta}`, "watch", "json partial"],
    [`${protobuf};as=PartialObjectMetadata;${meta}`, "watch", "protobuf partial"],
    [`${protobuf};stream=watch`, "watch", "protobuf object"],
    ["application/yaml,application/json", "watch", "json object"],
  ];
  for (const [accept, about, want] of table) check(accept, about, want);
});

Deno.test("negotiate() refuses what it can't make", () => {
  const table: [string, "object" | "list" | "watch"][] = [
    ["text/html", "object"],
    ["application/yaml", "watch"],
    [`application/json;as=Table;g=meta.k8s.io;v=v2`, "list"],
    [`application/json;as=Unknown;${meta}`, "list"],
    ["application/json;q=0", "list"],
  ];
  for (const [accept, about] of table) {
    assert.throws(
      () => check(accept, about, ""),
      (error) => error instanceof StatusError && error.code === 406,
      accept,
    );
  }
});

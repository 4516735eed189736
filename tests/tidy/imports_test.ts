/** The import table: which room may know which, and why. */
import assert from "assert";
import { handWritten, imports, isTest } from "./sources.ts";

interface Row {
  room: string;
  /** Path prefixes besides the room itself. */
  may: string[];
  because: string;
}

/** The first row whose room is a prefix of a file's path counts. */
const table: Row[] = [
  { room: "lib/types/", may: ["lib/kind.ts"], because: "vocabulary knows nothing" },
  {
    room: "lib/seams/",
    may: [],
    because: "the only callers of clock, chance, processes, files and sockets know nothing above",
  },
  { room: "lib/schema/", may: ["lib/"], because: "the schema serves all rooms" },
  {
    room: "lib/client/",
    may: ["lib/types/", "lib/seams/", "lib/kind.ts", "lib/status.ts", "lib/limits.ts"],
    because: "types ← client",
  },
  {
    room: "lib/informer/",
    may: [
      "lib/client/",
      "lib/queue/backoff.ts",
      "lib/types/",
      "lib/seams/",
      "lib/kind.ts",
      "lib/status.ts",
      "lib/limits.ts",
    ],
    because: "client ← informer",
  },
  { room: "lib/", may: ["lib/"], because: "vocabulary and client machinery; knows no room above it" },
  { room: "apiserver/storage/", may: ["lib/"], because: "bytes, not kinds" },
  { room: "apiserver/cache/", may: ["lib/", "apiserver/storage/store.ts"], because: "the interface, never Redis" },
  {
    room: "apiserver/rest/",
    may: ["lib/", "apiserver/storage/store.ts", "apiserver/cache/", "apiserver/admission/plugin.ts"],
    because: "knows Resource, not Deployment",
  },
  {
    room: "apiserver/admission/",
    may: [
      "lib/",
      "apiserver/rest/resource.ts",
      "apiserver/storage/store.ts",
      "apiserver/auth/rules.ts",
      "apiserver/auth/rbac/covers.ts",
    ],
    because: "judges requests; what somebody may do is pure rules, who may is handed in",
  },
  {
    room: "apiserver/registry/",
    may: ["lib/", "apiserver/rest/resource.ts", "apiserver/storage/store.ts"],
    because: "a kind is data and pure functions",
  },
  {
    room: "apiserver/resource_metrics/",
    may: ["lib/", "apiserver/cache/cache.ts", "apiserver/rest/resource.ts", "apiserver/rest/rest.ts"],
    because: "works objects out of what agents say; stores nothing",
  },
  { room: "apiserver/controllers/", may: ["lib/"], because: "guests: no back door past authorisation and validation" },
  { room: "apiserver/scheduler/", may: ["lib/"], because: "guests: no back door past authorisation and validation" },
  { room: "apiserver/", may: ["lib/", "apiserver/"], because: "the server puts its rooms together" },
  { room: "agent/", may: ["lib/"], because: "hosts meet only through the API" },
  { room: "proxy/", may: ["lib/"], because: "hosts meet only through the API" },
  {
    room: "main.ts",
    may: ["lib/", "agent/engine/find.ts"],
    because:
      "the supervisor starts the components, it is none of them; Podman's service is its child where nobody else starts it",
  },
];

Deno.test("every import goes in the direction that the table allows", () => {
  const wrong: string[] = [];
  for (const source of handWritten()) {
    if (isTest(source.path)) continue;
    const row = table.find(({ room }) => source.path.startsWith(room));
    if (row === undefined) {
      wrong.push(`${source.path}: no row of the import table is for it`);
      continue;
    }
    for (const target of imports(source)) {
      if (target.startsWith(row.room) || row.may.some((prefix) => target.startsWith(prefix))) continue;
      wrong.push(`${source.path} imports ${target}: ${row.room} may not (${row.because})`);
    }
  }
  assert.deepEqual(wrong, []);
});

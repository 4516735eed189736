import assert from "assert";
import type { Event as CoreEvent } from "../../../lib/types/core_v1.ts";
import { event as coreEvent } from "../core/event.ts";
import { created, createErrors, defaulted, header, isIdempotent, row, updateErrors } from "../meta/kind_scene.ts";
import { event } from "./event.ts";

const about = { kind: "Pod", namespace: "default", name: "web-1", uid: "u", fieldPath: "spec.containers{web}" };
const old = {
  involvedObject: about,
  reason: "Started",
  message: " Started container web ",
  type: "Normal",
  count: 3,
  firstTimestamp: "2026-01-02T03:00:00Z",
  lastTimestamp: "2026-01-02T03:04:00Z",
  source: { component: "kubelet", host: "node-1" },
};
const modern = {
  regarding: about,
  reason: "Pulled",
  note: "there already",
  type: "Normal",
  eventTime: "2026-01-02T03:03:05.000000Z",
  action: "Pulling",
  reportingController: "example.com/puller",
  reportingInstance: "puller-1",
};

Deno.test("event of core/v1 is taken as it comes, but for its namespace", () => {
  assert.deepEqual(createErrors(coreEvent, old), []);
  assert.deepEqual(createErrors(coreEvent, {}), []);
  const path = "involvedObject.namespace: Invalid value:";
  const table: [Record<string, unknown>, string[]][] = [
    [{ involvedObject: { namespace: "other" } }, [`${path} "other": does not match event.namespace`]],
    [{ metadata: { namespace: "kube-system" } }, [`${path} "": does not match event.namespace`]],
    [{ eventTime: "2026-01-02T03:04:05.000000Z" }, [
      "reportingController: Required value",
      'reportingController: Invalid value: "": name part must be non-empty',
      "reportingController: Invalid value: \"\": name part must consist of alphanumeric characters, '-', '_' or '.', and " +
      "must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for " +
      "validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
      "reportingInstance: Required value",
      "action: Required value",
      "reason: Required value",
    ]],
  ];
  for (const [given, expected] of table) assert.deepEqual(createErrors(coreEvent, given), expected);
});

Deno.test("event of events.k8s.io/v1 is demanded whole when it is new", () => {
  assert.deepEqual(createErrors(event, modern), []);
  assert.deepEqual(createErrors(event, { regarding: about, deprecatedCount: 1, series: { count: 1 } }), [
    'series.count: Invalid value: "": should be at least 2',
    "series.lastObservedTime: Required value",
    "eventTime: Required value",
    'type: Invalid value: "": has invalid value: ',
    'count: Invalid value: "": needs to be unset',
  ]);
  const long = { ...modern, action: "x".repeat(129), note: "y".repeat(1025) };
  assert.deepEqual(createErrors(event, long), [
    'action: Invalid value: "": can have at most 128 characters',
    'message: Invalid value: "": can have at most 1024 characters',
  ]);
});

Deno.test("event of events.k8s.io/v1 is a view of one of core/v1", () => {
  const { toStored, fromStored } = event.convert!;
  const view = fromStored(created(coreEvent, old));
  assert.deepEqual(
    view,
    {
      apiVersion: "events.k8s.io/v1",
      metadata: view.metadata,
      regarding: about,
      reason: "Started",
      note: " Started container web ",
      type: "Normal",
      deprecatedCount: 3,
      deprecatedFirstTimestamp: "2026-01-02T03:00:00Z",
      deprecatedLastTimestamp: "2026-01-02T03:04:00Z",
      deprecatedSource: { component: "kubelet", host: "node-1" },
      reportingController: "",
      reportingInstance: "",
    } as unknown as typeof view,
  );
  const stored = toStored(created(event, modern)) as CoreEvent;
  assert.deepEqual([stored.apiVersion, stored.message, stored.reportingComponent, stored.source], [
    "v1",
    "there already",
    "example.com/puller",
    {},
  ]);
  assert.deepEqual(toStored(fromStored(stored)), stored);
  assert.equal(event.storage, coreEvent.storage);
  assert.ok(isIdempotent(coreEvent, old) && isIdempotent(event, modern));
});

Deno.test("event of events.k8s.io/v1 may only change its series", () => {
  const series = { count: 4, lastObservedTime: "2026-01-02T03:04:04.000000Z" };
  const before = event.convert!.fromStored(created(coreEvent, old));
  assert.deepEqual(updateErrors(event, before, (e) => Object.assign(e, { series })), []);
  const changed = updateErrors(
    event,
    before,
    (e) => Object.assign(e, { note: "x", deprecatedCount: 4, type: "Warning" }),
  );
  assert.deepEqual(changed, [
    'message: Invalid value: "x": field is immutable',
    "count: Invalid value: 4: field is immutable",
    'type: Invalid value: "Warning": field is immutable',
  ]);
});

Deno.test("event columns are kubectl's in both versions", () => {
  const names = "Last Seen, Type, Reason, Object, Subobject*, Source*, Message, First Seen*, Count*, Name*";
  assert.equal(header(coreEvent), names);
  assert.equal(header(event), names);
  const wide = "spec.containers{web} kubelet, node-1 4m5s 3 web";
  assert.equal(row(coreEvent, created(coreEvent, old)), `5s Normal Started pod/web-1 Started container web | ${wide}`);
  assert.equal(
    row(event, created(event, modern)),
    "60s Normal Pulled pod/web-1 there already | spec.containers{web} example.com/puller, puller-1 60s 1 web",
  );
  const series = { count: 7, lastObservedTime: "2026-01-02T03:04:04.000000Z" };
  assert.equal(
    row(event, created(event, { ...modern, regarding: { kind: "Node" }, series })),
    "1s Normal Pulled node there already |  example.com/puller, puller-1 60s 7 web",
  );
  assert.equal(row(coreEvent, created(coreEvent, {})), "<unknown>     |   <unknown> 1 web");
});

Deno.test("event fields are those of its version", () => {
  const select = { reason: "Started", type: "Normal", "involvedObject.name": "web-1", source: "kubelet" };
  const object = defaulted(coreEvent, old);
  for (const [name, value] of Object.entries(select)) assert.equal(coreEvent.fields[name]!(object), value);
  const view = defaulted(event, modern);
  assert.equal(event.fields["regarding.uid"]!(view), "u");
  assert.equal(event.fields.reportingController!(view), "example.com/puller");
  assert.deepEqual(Object.keys(event.fields).filter((name) => name.startsWith("involved")), []);
});

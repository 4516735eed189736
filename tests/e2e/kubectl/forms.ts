/** `kubectl get` in all forms of output, and its ways of asking. */
import assert from "assert";
import type { Shell } from "./shell.ts";

export async function forms(shell: Shell): Promise<void> {
  const { step, scene: { cluster } } = shell;
  const items = Array.from({ length: 7 }, (_, i) => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: `form-${i}`, labels: { form: String(i % 2), of: "forms" } },
    data: { number: String(7 - i) },
  }));
  await cluster.ask("create -f -", { stdin: items.map((item) => JSON.stringify(item)).join("\n") });
  await step("get: templates and columns, given and from files", async () => {
    const path = await shell.file("template", "{{range .items}}{{.metadata.name}} {{end}}");
    await shell.says(`get cm -l of=forms -o go-template-file=${path}`, /^form-0 form-1 /);
    await shell.says(
      `get cm -l of=forms -o jsonpath-file=${await shell.file("jsonpath", "{.items[*].data.number}")}`,
      /^7 6 5/,
    );
    const columns = await shell.file("columns", "NAME          N\nmetadata.name data.number\n");
    await shell.says(`get cm -l of=forms -o custom-columns-file=${columns}`, /^NAME +N\nform-0 +7\n/);
    const path2 = "jsonpath={range .items[*]}{.metadata.name}={.data.number},{end}";
    await shell.says(["get", "cm", "-l", "of=forms", "-o", path2], /^form-0=7,form-1=6,/);
    await shell.says(["get", "cm", "-o", "jsonpath={.items[?(@.data.number=='3')].metadata.name}"], /^form-4$/);
    await shell.says("get cm form-1 -o json --show-managed-fields", /"managedFields"[^]*"f:number"/);
    assert.doesNotMatch(await cluster.ask("get cm form-1 -o json"), /managedFields/);
  });
  await step("get: in pages, sorted, several kinds, from a file, absent", async () => {
    const names = (text: string) => [...text.matchAll(/form-\d/g)].map(([name]) => name);
    const all = await cluster.ask("get cm -l of=forms --no-headers --chunk-size=2");
    assert.equal(names(all).length, 7);
    const sorted = await cluster.ask("get cm -l of=forms --sort-by=.data.number --no-headers");
    assert.deepEqual(names(sorted), ["form-6", "form-5", "form-4", "form-3", "form-2", "form-1", "form-0"]);
    assert.equal(names(await cluster.ask(["get", "cm", "-l", "form in (1),of=forms"])).length, 3);
    await shell.says("get namespaces,nodes --show-kind", /namespace\/default [^]*node\/h1 /);
    await shell.says("get namespace/default node/h1", /namespace\/default [^]*node\/h1 /);
    await shell.says("get all -A", /service\/kubernetes/);
    await shell.says("get -f - -o name", /^configmap\/form-0$/m, { stdin: JSON.stringify(items[0]) });
    await shell.says("get cm absent --ignore-not-found", /^$/);
    await shell.refuses("get cm absent", /Error from server \(NotFound\): configmaps "absent" not found/);
    await shell.refuses("get colours", /the server doesn't have a resource type "colours"/);
    await shell.says("get cm -A -o wide --field-selector=metadata.namespace!=default", /kube-system +kube-root-ca/);
    await shell.says("get nodes h1 --subresource=status -o jsonpath={.status.nodeInfo.operatingSystem}", /^linux$/);
    await shell.says("get nodes -v=6 -o name --server-print=false", /node\/h1/);
  });
  await step("get --watch, --watch-only, --output-watch-events", async () => {
    await using watch = cluster.follow("get cm -l of=forms --watch-only --output-watch-events --no-headers");
    await using whole = cluster.follow("get cm form-0 -o name -w");
    await whole.until(/^configmap\/form-0$/);
    let n = 0;
    // Until the watch is there what changes is not told.
    while (!watch.lines.some((line) => line.includes("MODIFIED"))) {
      await cluster.ask(["patch", "cm", "form-0", "-p", `{"data":{"number":"8${n++}"}}`]);
      assert.ok(n < 100, "the watch never told of a change");
    }
    await cluster.ask("delete cm form-6");
    await watch.until(/^DELETED +form-6 /);
  });
  await step("create, replace and delete --raw", async () => {
    const path = "/api/v1/namespaces/default/configmaps";
    const object = (n: string) =>
      JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "raw" }, data: { n } });
    await shell.says(`create --raw ${path} -f -`, /"name":"raw"/, { stdin: object("1") });
    await shell.says(`replace --raw ${path}/raw -f -`, /"n":"2"/, { stdin: object("2") });
    await shell.says(`delete --raw ${path}/raw`, /"status":"Success"/);
  });
  await step("delete: what a selector names, all, by a file, with its dependents or without", async () => {
    await shell.says("delete cm -l of=forms,form=1", /"form-1" deleted[^]*"form-3"/);
    await shell.says("delete -f - --wait=false", /"form-0" deleted/, { stdin: JSON.stringify(items[0]) });
    await shell.says("delete cm form-0 --ignore-not-found", /^$/);
    await shell.says("delete cm form-2 --dry-run=server", /"form-2" deleted \(server dry run\)/);
    await shell.says("delete cm -i form-2", /configmap\/form-2[^]*Do you want to continue|deleted/, { stdin: "y\n" });
    await shell.says("delete cm --field-selector=metadata.name=form-4", /"form-4" deleted/);
    await cluster.ask("create namespace empty");
    await cluster.ask("create cm one -n empty");
    await shell.says("delete cm --all -n empty", /"one" deleted/);
    await cluster.ask("delete namespace empty --wait=false");
  });
}

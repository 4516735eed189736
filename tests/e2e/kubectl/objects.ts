/** Objects are applied, patched, labelled, edited, replaced and shown. */
import assert from "assert";
import type { Shell } from "./shell.ts";

export async function objects(shell: Shell): Promise<void> {
  const { step, scene: { cluster } } = shell;
  await step("apply, diff, apply again", async () => {
    const text = (level: string) =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: applied\ndata:\n  level: ${level}\n`;
    await shell.says("apply -f -", /configmap\/applied created/, { stdin: text("info") });
    await shell.says("apply -f -", /configmap\/applied unchanged/, { stdin: text("info") });
    const { code, stdout } = await cluster.kubectl("diff -f -", { stdin: text("debug") });
    assert.equal(code, 1, "there are differences");
    assert.match(stdout, /^- {2}level: info\n\+ {2}level: debug$/m);
    await shell.says("apply -f -", /configmap\/applied configured/, { stdin: text("debug") });
    await shell.says("apply -f - --dry-run=server", /configmap\/applied configured \(server dry run\)/, {
      stdin: text("x"),
    });
    await shell.says("apply -f - --server-side --force-conflicts", /serverside-applied/, { stdin: text("warn") });
    await shell.says("get configmap applied -o jsonpath={.data.level}", /^warn$/);
    await shell.says("apply view-last-applied configmap applied", /level: /);
  });
  await step("apply --prune removes what is no more in the set", async () => {
    const one = (name: string) =>
      JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels: { set: "p" } } }) + "\n";
    await shell.says("apply -f -", /keep created[^]*drop created/, { stdin: one("keep") + one("drop") });
    const pruned = "apply -f - --prune -l set=p --prune-allowlist=core/v1/ConfigMap";
    await shell.says(pruned, /configmap\/drop pruned/, { stdin: one("keep") });
  });
  await step("patch in three ways, label, annotate", async () => {
    const value = async (path: string) =>
      (await cluster.ask(["get", "configmap", "applied", "-o", `jsonpath=${path}`])).trim();
    await shell.says(["patch", "configmap", "applied", "-p", '{"data":{"a":"strategic"}}'], /patched/);
    await shell.says(["patch", "configmap", "applied", "--type=merge", "-p", '{"data":{"b":"merge"}}'], /patched/);
    const op = '[{"op":"add","path":"/data/c","value":"json"},{"op":"remove","path":"/data/a"}]';
    await shell.says(["patch", "configmap", "applied", "--type=json", "-p", op], /patched/);
    assert.equal(await value("{.data.a}{.data.b}{.data.c}"), "mergejson");
    await shell.says("label configmap applied tier=front", /labeled/);
    await shell.refuses("label configmap applied tier=back", /already has a value \(front\)|'tier' already has/);
    await shell.says("label configmap applied tier=back --overwrite", /labeled/);
    await shell.says("annotate configmap applied note=remember", /annotated/);
    assert.equal(await value("{.metadata.labels.tier}{.metadata.annotations.note}"), "backremember");
    await shell.says("label configmap applied tier-", /unlabeled/);
  });
  await step("edit", async () => {
    const editor = "/run/editor";
    await shell.scene.host.exec([
      "sh",
      "-c",
      `printf '#!/bin/sh\\nsed -i s/remember/forget/ "$1"\\n' >${editor}; chmod +x ${editor}`,
    ]);
    await shell.says("edit configmap applied", /configmap\/applied edited/, { env: { KUBE_EDITOR: editor } });
    await shell.says("get configmap applied -o jsonpath={.metadata.annotations.note}", /^forget$/);
  });
  await step("replace, replace --force", async () => {
    const text = `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: applied\ndata:\n  only: this\n`;
    await shell.says("replace -f -", /configmap\/applied replaced/, { stdin: text });
    assert.deepEqual((await cluster.json("get configmap applied")).data, { only: "this" });
    const { uid } = (await cluster.json("get configmap applied")).metadata;
    await shell.says("replace --force -f -", /configmap\/applied replaced/, { stdin: text });
    assert.notEqual((await cluster.json("get configmap applied")).metadata.uid, uid);
  });
  await step("get in every form, with selectors and sorted", async () => {
    await shell.says("get cm applied -o yaml", /^apiVersion: v1\ndata:\n {2}only: this\nkind: ConfigMap/);
    await shell.says("get cm applied -o name", /^configmap\/applied$/m);
    await shell.says("get cm applied -o go-template={{.metadata.name}}", /^applied$/);
    await shell.says("get cm -o custom-columns=NAME:.metadata.name --sort-by=.metadata.name", /^NAME\napplied\nfiles/);
    await shell.says("get cm --show-labels", /NAME +DATA +AGE +LABELS/);
    await shell.says("get cm applied -L tier", /NAME +DATA +AGE +TIER/);
    await shell.says("get cm -A --field-selector metadata.name=applied --no-headers", /^default +applied +1 /);
    await shell.says("get nodes -o wide", /h1 +Ready +\S+ +\S+ +v1\.36\S* +10\.99\.\S+ .* (podman|docker):\/\//);
  });
}

/** Commands that work on files of the user's: kubeconfigs, kustomizations, plugins, completions; and the dump of everything. */
import assert from "assert";
import type { Shell } from "./shell.ts";

export async function local(shell: Shell): Promise<void> {
  const { step, scene: { cluster, host } } = shell;
  await step("options, completion, version of the client", async () => {
    await shell.says("options", /The following options can be passed to any command/);
    for (const kind of ["bash", "zsh", "fish", "powershell"]) await shell.says(`completion ${kind}`, /kubectl/);
    // What a shell asks for when somebody presses the tabulator.
    await shell.says(["__complete", "get", "configmap", "kube"], /^kube-root-ca\.crt$/m);
    await shell.says("version --client -o json", /"clientVersion"/);
  });
  await step("config", () => config(shell));
  await step("plugin", async () => {
    const path = await shell.file("bin/kubectl-hello", "#!/bin/sh\necho hello from a plugin\n");
    await host.exec(["chmod", "+x", path]);
    const env = { PATH: `/run/k/bin:${Deno.env.get("PATH")}` };
    await shell.says("plugin list", /kubectl-hello/, { env });
    await shell.says("hello", /^hello from a plugin$/m, { env });
  });
  await step("kustomize, apply -k, get -k, delete -k", async () => {
    const text = "configMapGenerator:\n- name: made\n  literals: [level=info]\nnamePrefix: my-\nlabels:\n" +
      "- pairs: {by: kustomize}\n";
    await shell.file("kustom/kustomization.yaml", text);
    const [, name] = /name: (my-made-\w+)/.exec(await shell.says("kustomize /run/k/kustom", /level: info/)) ?? [];
    await shell.says("apply -k /run/k/kustom", new RegExp(`configmap/${name} created`));
    await shell.says("get -k /run/k/kustom --show-labels", /by=kustomize/);
    await shell.says("diff -k /run/k/kustom", /^$/);
    await shell.says("delete -k /run/k/kustom", /deleted/);
  });
  await step("cluster-info dump", async () => {
    await shell.says("cluster-info dump --namespaces default,kube-system --output-directory=/run/k/dump", /dumped/);
    const { stdout } = await host.exec(["sh", "-c", "cat /run/k/dump/nodes.json; ls /run/k/dump/default"]);
    assert.match(stdout, /"kind": "NodeList"[^]*pods\.json/);
  });
  await step("proxy: paths that are not let through, and a socket", async () => {
    await using proxy = cluster.follow("proxy --unix-socket=/run/k/proxy --reject-paths=^/api/v1/secrets");
    await proxy.until(/Starting to serve on/);
    const ask = (path: string) =>
      host.exec(["curl", "-sS", "--unix-socket", "/run/k/proxy", "-w", " %{http_code}", `http://localhost${path}`]);
    assert.match((await ask("/api/v1/namespaces/default")).stdout, /"Namespace"[^]* 200$/);
    assert.match((await ask("/api/v1/secrets")).stdout, / 403$/);
  });
}

async function config(shell: Shell): Promise<void> {
  const server = (await shell.says("config view --raw --minify -o jsonpath={.clusters[0].cluster.server}", /^https:/))
    .trim();
  await shell.file("config", "");
  await shell.scene.host.exec(["cp", `${shell.scene.cluster.dataDir}/kubeconfig`, "/run/k/config"]);
  const options = { env: { KUBECONFIG: "/run/k/config" } };
  const says = (args: string, wanted: RegExp) => shell.says(`config ${args}`, wanted, options);
  const context = (await says("current-context", /^\S+$/m)).trim();
  await says("get-contexts", new RegExp(`^\\* +${context} `, "m"));
  await says(`set-cluster other --server=${server} --insecure-skip-tls-verify=true`, /Cluster "other" set/);
  await says("set-credentials somebody --token=wrong", /User "somebody" set/);
  await says("set-context second --cluster=other --user=somebody --namespace=side", /Context "second" created/);
  await says("get-clusters", /^other$/m);
  await says("get-users", /^somebody$/m);
  await says("use-context second", /Switched to context "second"/);
  await shell.refuses(
    "get pods",
    /You must be logged in to the server \(Unauthorized\)|asked for the client to provide cred/,
    options,
  );
  await says("rename-context second third", /renamed to "third"/);
  await says("set contexts.third.namespace default", /Property "contexts.third.namespace" set/);
  await says("view --minify -o jsonpath={..namespace}", /^default$/);
  await says("unset current-context", /Property "current-context" unset/);
  await says("delete-context third", /deleted context third/);
  await says("delete-cluster other", /deleted cluster other/);
  await says("delete-user somebody", /deleted user somebody/);
  await says(`use-context ${context}`, /Switched/);
  await shell.says("get namespace default -o name", /namespace\/default/, options);
}

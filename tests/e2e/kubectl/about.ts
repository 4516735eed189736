/** What there is to know: versions, resources, documentation, rights, usage. */
import assert from "assert";
import type { Shell } from "./shell.ts";

export async function about(shell: Shell): Promise<void> {
  const { step } = shell;
  await step("version, cluster-info", async () => {
    await shell.says("version", /Server Version: v1\.36\.\d+\+sauropod\./);
    await shell.says("cluster-info", /control plane.* is running at .*https:\/\//);
  });
  await step("api-resources, api-versions", async () => {
    const all = await shell.says("api-resources", /deployments +deploy +apps\/v1 +true +Deployment/);
    assert.match(all, /configmaps +cm +v1 +true +ConfigMap/);
    await shell.says("api-resources --namespaced=false --verbs=list -o name", /^nodes$/m);
    await shell.says("api-resources --api-group=apps -o wide", /replicasets +rs +apps\/v1 +true .*watch.* all/);
    await shell.says("api-versions", /^apps\/v1\n[^]*^v1$/m);
  });
  await step("explain", async () => {
    await shell.says("explain deployment", /GROUP: +apps\nKIND: +Deployment\nVERSION: +v1[^]*spec\t<DeploymentSpec>/);
    await shell.says("explain pod.spec.containers.ports", /containerPort\t<integer> -required-/);
    await shell.says("explain pod.spec.containers.ports.containerPort", /FIELD: containerPort <integer>/);
    await shell.says("explain deploy.spec.strategy --recursive", /rollingUpdate\t<[^]*maxSurge\t<IntOrString>/);
    await shell.refuses("explain pod.spec.colour", /field "colour" does not exist/);
  });
  await step("auth whoami", async () => {
    await shell.says("auth whoami", /Username +\S+[^]*Groups +\[.*system:masters/);
  }, "selfsubjectreviews.authentication.k8s.io");
  await step(
    "auth can-i",
    async () => {
      await shell.says("auth can-i create pods", /^yes$/m);
      await shell.says("auth can-i --list", /\*\.\* +\[\] +\[\] +\[\*\]/);
      const as = "--as=system:serviceaccount:default:default";
      await shell.refuses(
        `get secrets ${as}`,
        /\(Forbidden\): secrets is forbidden: User "system:serviceaccount:default:default" cannot list resource "secrets" in API group "" in the namespace "default"/,
      );
      assert.equal((await shell.scene.cluster.kubectl(`auth can-i delete nodes ${as}`)).stdout.trim(), "no");
    },
    "selfsubjectaccessreviews.authorization.k8s.io",
    "selfsubjectrulesreviews.authorization.k8s.io",
  );
  await step("top", async () => {
    const head = "^NAME +CPU\\(cores\\) +CPU\\(%\\) +MEMORY\\(bytes\\) +MEMORY\\(%\\)\\s*\\n";
    const use = new RegExp(`${head}h1 +\\d+m +\\d+% +\\d+Mi +\\d+%`);
    await shell.scene.cluster.eventually("top node", (text) => use.test(text));
    await shell.says("top pod -A", /^(NAMESPACE +NAME +CPU\(cores\) +MEMORY\(bytes\)|$)/);
  });
  await step("get --raw and proxy", async () => {
    await shell.says("get --raw=/readyz", /^ok/);
    await using proxy = shell.scene.cluster.follow("proxy --port=18001");
    await proxy.until(/Starting to serve on 127\.0\.0\.1:18001/);
    const { stdout } = await shell.scene.host.exec(["curl", "-sS", "http://127.0.0.1:18001/api/v1/namespaces/default"]);
    assert.equal(JSON.parse(stdout).metadata.name, "default");
  });
}

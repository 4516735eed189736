/** Deployments: made, scaled, set, rolled out and back, described, waited for. */
import assert from "assert";
import type { Shell } from "./shell.ts";

export async function workloads(shell: Shell): Promise<void> {
  const { step, scene: { cluster } } = shell;
  const image = async () => (await cluster.json("get deployment web")).spec.template.spec.containers[0].image;
  await step("create deployment, expose, scale", async () => {
    await shell.says(
      "create deployment web --image=qinchaowhut/allen:v1 --replicas=1 --port=8080",
      /deployment.apps\/web created/,
    );
    await shell.says("expose deployment web --port=80 --target-port=8080", /service\/web exposed/);
    await shell.says("rollout status deployment web --timeout=60s", /successfully rolled out/);
    await shell.says("scale deployment web --replicas=2 --current-replicas=1", /scaled/);
    await shell.refuses(
      "scale deployment web --replicas=3 --current-replicas=1",
      /[Ee]xpected replicas to be 1, was 2/,
    );
    await cluster.eventually("get deployment web --no-headers", (text) => / 2\/2 +2 +2 /.test(text));
    await shell.says("get deployment web --subresource=scale", /NAME +DESIRED +AVAILABLE +AGE *\nweb +2 +2 /);
  });
  await step("autoscale", async () => {
    await shell.says("autoscale deployment web --min=2 --max=4 --cpu-percent=80", /autoscaled/);
    await shell.says("get hpa web", /web +Deployment\/web .*80% +2 +4/);
    await shell.says("delete hpa web", /deleted/);
  }, "horizontalpodautoscalers.autoscaling");
  await step("set image, env, resources", async () => {
    await shell.says("set image deployment/web allen=qinchaowhut/allen:v2", /image updated/);
    await shell.says("set env deployment/web LEVEL=debug", /env updated/);
    await shell.says("set env deployment/web --list", /^LEVEL=debug$/m);
    await shell.says("set resources deployment/web --requests=cpu=5m,memory=8Mi", /resource requirements updated/);
    await shell.says("rollout status deployment/web --timeout=60s", /successfully rolled out/);
    assert.equal(await image(), "qinchaowhut/allen:v2");
  });
  await step("rollout history, undo, pause, resume, restart", async () => {
    await shell.says("annotate deployment web kubernetes.io/change-cause=quieter", /annotated/);
    await shell.says("rollout history deployment web", /REVISION +CHANGE-CAUSE\n1 +[^]*\n4 +quieter/);
    await shell.says("rollout history deployment web --revision=1", /Image:\tqinchaowhut\/allen:v1/);
    await shell.says("rollout undo deployment web --to-revision=1", /rolled back/);
    await shell.says("rollout status deployment web --timeout=60s", /successfully rolled out/);
    assert.equal(await image(), "qinchaowhut/allen:v1");
    await shell.says("rollout pause deployment web", /paused/);
    await shell.refuses("rollout restart deployment web", /can't restart paused deployment/);
    await shell.says("rollout resume deployment web", /resumed/);
    const before = (await cluster.ask("get pods -l app=web -o name")).trim().split("\n");
    await shell.says("rollout restart deployment web", /restarted/);
    await shell.says("rollout status deployment web --timeout=60s", /successfully rolled out/);
    await cluster.eventually("get pods -l app=web -o name", (text) => before.every((name) => !text.includes(name)));
  });
  await step("describe deployment, pod, node, service", async () => {
    const told = await shell.says(
      "describe deployment web",
      /Replicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable/,
    );
    assert.match(told, /StrategyType: +RollingUpdate[^]*ScalingReplicaSet +.*Scaled up replica set web-/);
    const pod = await shell.says(
      "describe pod -l app=web",
      /Node: +h1\/10\.99\.[^]*QoS Class: +Burstable|QoS Class: +BestEffort/,
    );
    assert.match(pod, /Events:[^]*Scheduled[^]*Pulled[^]*Created[^]*Started/);
    await shell.says(
      "describe node h1",
      /Capacity:[^]*cpu: +\d[^]*Non-terminated Pods:[^]*default +web-[^]*Allocated resources:/,
    );
    await shell.says("describe service web", /Type: +ClusterIP[^]*Endpoints: +10\.244\.\S+:8080,10\.244\.\S+:8080/);
  });
  await step("get -w tells what changes", async () => {
    await using watch = cluster.follow("get deployment web -w --no-headers");
    await watch.until(/^web +2\/2 /);
    await cluster.ask("scale deployment web --replicas=1");
    await watch.until(/^web +1\/1 +1 +1 /);
  });
  await step("wait for a condition, a value and an end", async () => {
    await shell.says("wait deployment/web --for=condition=Available --timeout=30s", /condition met/);
    await shell.says("wait deployment/web --for=jsonpath={.status.readyReplicas}=1 --timeout=30s", /condition met/);
    await shell.refuses(
      "wait deployment/web --for=condition=Sleepy --timeout=1s",
      /timed out waiting for the condition/,
    );
    await cluster.ask("create configmap brief");
    await using waiting = cluster.follow("wait configmap/brief --for=delete --timeout=30s");
    await cluster.ask("delete configmap brief");
    assert.equal(await waiting.ended, 0, waiting.lines.join("\n"));
  });
}

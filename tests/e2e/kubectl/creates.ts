/** Every `kubectl create`. */
import assert from "assert";
import type { Shell } from "./shell.ts";

export async function creates(shell: Shell): Promise<void> {
  const { step } = shell;
  const made = async (args: string, kind = args.split(" ")[0]) => {
    await shell.says(`create ${args}`, new RegExp(`^${kind}\\S*/\\S+ created$`, "m"));
  };
  await step("create namespace, serviceaccount", async () => {
    await made("namespace side");
    await shell.scene.cluster.eventually("get serviceaccount default -n side --no-headers", (text) => text !== "");
    await made("serviceaccount robot -n side");
  });
  await step("create token", async () => {
    await shell.says("create token robot -n side --duration=10m", /^ey[\w-]+\.[\w-]+\.[\w-]+$/m);
  }, "serviceaccounts/token");
  await step("create configmap, secret", async () => {
    await made("configmap settings --from-literal=level=info --from-literal=colour=blue");
    await made("configmap files --from-file=/etc/hostname --from-file=name=/etc/hostname");
    await made("secret generic login --from-literal=password=correct-horse");
    await made(
      "secret docker-registry pull --docker-server=r.example --docker-username=u --docker-password=p",
      "secret",
    );
    await shell.says("get secret login -o jsonpath={.data.password}", /^Y29ycmVjdC1ob3JzZQ==$/);
    await shell.says("get configmap files -o jsonpath={.data.name}", /^h1/);
    await shell.says("get secrets", /login +Opaque +1 [^]*pull +kubernetes\.io\/dockerconfigjson +1 /);
    const described = await shell.says("describe secret login", /password: +13 bytes/);
    assert.doesNotMatch(described, /horse|Y29y/);
  });
  await step("create service, of every type", async () => {
    await made("service clusterip one --tcp=80:8080");
    await made("service nodeport two --tcp=80:8080 --node-port=30123");
    await made("service loadbalancer three --tcp=80:8080");
    await made("service externalname four --external-name=example.com");
    await made("service clusterip five --clusterip=None --tcp=80");
    const all = await shell.says("get services", /two +NodePort +10\.96\.\S+ +<none> +80:30123\/TCP/);
    assert.match(all, /four +ExternalName +<none> +example\.com +<none>/);
    assert.match(all, /five +ClusterIP +None +<none> +80\/TCP/);
    await shell.says("delete service one two three four five", /"five" deleted/);
  });
  await step("create role, rolebinding, clusterrole, clusterrolebinding: they hold", async () => {
    await made("role reader --verb=get,list --resource=pods,configmaps -n side");
    await made("rolebinding reader --role=reader --serviceaccount=side:robot -n side", "rolebinding");
    await made("clusterrole watcher --verb=watch --resource=nodes", "clusterrole");
    await made("clusterrolebinding watcher --clusterrole=watcher --serviceaccount=side:robot", "clusterrolebinding");
    const as = "--as=system:serviceaccount:side:robot";
    await shell.says(`get pods -n side ${as}`, /^$/);
    await shell.says(`get --raw=/api/v1/nodes?watch=1&timeoutSeconds=1 ${as}`, /"type":"ADDED"/);
    const refused = (verb: string, kind: string, namespace: string) =>
      new RegExp(
        `User "system:serviceaccount:side:robot" cannot ${verb} resource "${kind}" .*in the namespace "${namespace}"`,
      );
    await shell.refuses(`get pods -n default ${as}`, refused("list", "pods", "default"));
    await shell.refuses(`create configmap no -n side ${as}`, refused("create", "configmaps", "side"));
  }, "roles.rbac.authorization.k8s.io");
  await step(
    "create job, cronjob",
    async () => {
      await made("job once --image=busybox:1.36 -- echo done");
      await shell.says("wait --for=condition=Complete job/once --timeout=60s", /condition met/);
      await shell.says("get job once", /once +Complete +1\/1/);
      await shell.says("logs job/once", /^done$/m);
      await made("cronjob yearly --image=busybox:1.36 --schedule=@yearly -- true");
      await made("job now --from=cronjob/yearly");
      await shell.says("get cronjob yearly", /yearly +@yearly +<none> +False/);
      await shell.says("delete job once now", /"now" deleted/);
      await shell.says("delete cronjob yearly", /deleted/);
    },
    "jobs.batch",
    "cronjobs.batch",
  );
  await step("create priorityclass", async () => {
    await made("priorityclass high --value=1000", "priorityclass");
    await shell.says("delete priorityclass high", /deleted/);
  }, "priorityclasses.scheduling.k8s.io");
  await step("create poddisruptionbudget", async () => {
    await made("poddisruptionbudget careful --selector=app=x --min-available=1", "poddisruptionbudget");
    await shell.says("delete pdb careful", /deleted/);
  }, "poddisruptionbudgets.policy");
  await step("create quota: it holds", async () => {
    await made("quota small --hard=pods=2,configmaps=3 -n side", "resourcequota");
    await shell.scene.cluster.eventually("get quota small -n side", (text) => /configmaps: 1\/3/.test(text));
    await shell.says("create configmap a -n side", /created/);
    await shell.says("create configmap b -n side", /created/);
    await shell.refuses(
      "create configmap c -n side",
      /exceeded quota: small, requested: configmaps=1, used: configmaps=3, limited: configmaps=3/,
    );
  }, "resourcequotas");
  await step("delete namespace takes what is in it along", async () => {
    await shell.says("delete namespace side", /namespace "side" deleted/);
    await shell.refuses("get namespace side", /NotFound/);
  });
}

/** Who owns what after ordinary writes, as kube-apiserver records it: golden, from real clusters. */
import assert from "assert";
import { createSecured, type Secured, someone } from "../harness/secured.ts";

const admin = someone("admin", "system:masters");
const deployments = "/apis/apps/v1/namespaces/default/deployments";
const labels = { ".": {}, "f:app": {} };
const element = (fields: Record<string, unknown>) => ({ ".": {}, ...fields });

const web = {
  metadata: { name: "web", labels: { app: "web" } },
  spec: {
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: {
        containers: [{ name: "a", image: "a:1", ports: [{ containerPort: 80 }], env: [{ name: "A", value: "1" }] }],
      },
    },
  },
};

const created = {
  "f:metadata": { "f:labels": labels },
  "f:spec": {
    "f:progressDeadlineSeconds": {},
    "f:replicas": {},
    "f:revisionHistoryLimit": {},
    "f:selector": {},
    "f:strategy": { "f:rollingUpdate": element({ "f:maxSurge": {}, "f:maxUnavailable": {} }), "f:type": {} },
    "f:template": {
      "f:metadata": { "f:labels": labels },
      "f:spec": {
        "f:containers": {
          'k:{"name":"a"}': element({
            "f:env": element({ 'k:{"name":"A"}': element({ "f:name": {}, "f:value": {} }) }),
            "f:image": {},
            "f:imagePullPolicy": {},
            "f:name": {},
            "f:ports": element({
              'k:{"containerPort":80,"protocol":"TCP"}': element({ "f:containerPort": {}, "f:protocol": {} }),
            }),
            "f:resources": {},
            "f:terminationMessagePath": {},
            "f:terminationMessagePolicy": {},
          }),
        },
        "f:dnsPolicy": {},
        "f:restartPolicy": {},
        "f:schedulerName": {},
        "f:securityContext": {},
        "f:terminationGracePeriodSeconds": {},
      },
    },
  },
};

async function withApi(run: (api: Secured) => Promise<void>): Promise<void> {
  const api = await createSecured();
  try {
    await run(api);
  } finally {
    await api.close();
  }
}

// deno-lint-ignore no-explicit-any -- as the server answers
const entryOf = (object: any, manager: string) =>
  // deno-lint-ignore no-explicit-any -- as the server answers
  object.metadata.managedFields.find((entry: any) => entry.manager === manager);

Deno.test("a Deployment's creator owns what it says and what defaults make of that, and no struct that is always there", () =>
  withApi(async (api) => {
    const { body } = await api.as(admin, "POST", `${deployments}?fieldManager=kubectl-create`, web);
    const { time: _, ...entry } = body.metadata.managedFields[0];
    assert.equal(body.metadata.managedFields.length, 1);
    assert.deepEqual(entry, {
      manager: "kubectl-create",
      operation: "Update",
      apiVersion: "apps/v1",
      fieldsType: "FieldsV1",
      fieldsV1: created,
    });
    const condition = { type: "Available", status: "True", reason: "R", message: "m" };
    const status = { status: { replicas: 1, conditions: [condition] } };
    const type = { "content-type": "application/merge-patch+json" };
    const path = `${deployments}/web/status?fieldManager=controller`;
    const { subresource, fieldsV1 } = entryOf((await api.as(admin, "PATCH", path, status, type)).body, "controller");
    assert.equal(subresource, "status");
    assert.deepEqual(fieldsV1, {
      "f:status": {
        "f:conditions": element({
          'k:{"type":"Available"}': element({ "f:message": {}, "f:reason": {}, "f:status": {}, "f:type": {} }),
        }),
        "f:replicas": {},
      },
    });
    const scale = { spec: { replicas: 3 } };
    const scaled = (await api.as(admin, "PATCH", `${deployments}/web/scale?fieldManager=scaler`, scale, type)).body;
    assert.equal(scaled.spec.replicas, 3);
    const { body: now } = await api.as(admin, "GET", `${deployments}/web`);
    assert.deepEqual(entryOf(now, "scaler").fieldsV1, { "f:spec": { "f:replicas": {} } });
    assert.equal(entryOf(now, "scaler").subresource, "scale");
    assert.equal(entryOf(now, "kubectl-create").fieldsV1["f:spec"]["f:replicas"], undefined, "it has lost that");
  }));

Deno.test("what the server adds to an object is nobody's", () =>
  withApi(async (api) => {
    const services = "/api/v1/namespaces/default/services?fieldManager=ann";
    const spec = { selector: { app: "web" }, ports: [{ port: 80 }] };
    const service = (await api.as(admin, "POST", services, { metadata: { name: "web" }, spec })).body;
    assert.ok(service.spec.clusterIP && service.spec.ipFamilies);
    assert.deepEqual(entryOf(service, "ann").fieldsV1, {
      "f:spec": {
        "f:internalTrafficPolicy": {},
        "f:ports": element({
          'k:{"port":80,"protocol":"TCP"}': element({ "f:port": {}, "f:protocol": {}, "f:targetPort": {} }),
        }),
        "f:selector": {},
        "f:sessionAffinity": {},
        "f:type": {},
      },
    });
    await api.as(admin, "POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
    const pods = "/api/v1/namespaces/default/pods?fieldManager=ann";
    const pod = (await api.as(admin, "POST", pods, {
      metadata: { name: "p", labels: { app: "web" } },
      spec: { containers: [{ name: "a", image: "a:1" }] },
    })).body;
    assert.ok(pod.spec.serviceAccountName && pod.spec.tolerations && pod.spec.volumes);
    const owned = entryOf(pod, "ann").fieldsV1["f:spec"];
    assert.deepEqual(Object.keys(owned).sort(), [
      "f:containers",
      "f:dnsPolicy",
      "f:enableServiceLinks",
      "f:restartPolicy",
      "f:schedulerName",
      "f:securityContext",
      "f:terminationGracePeriodSeconds",
    ]);
  }));

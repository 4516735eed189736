/**
 * Every kind that is served × every verb × every form of body and answer, through all of the API server's filters. A kind is walked by
 * being in the registry; all it needs is a sample (walk/samples.ts).
 */
import { resources } from "../../apiserver/registry/mod.ts";
import { createSecured, type Secured, someone } from "../harness/secured.ts";
import { applies } from "./walk/apply.ts";
import { creates, validatesFields } from "./walk/create.ts";
import { isDescribed, isDiscovered, isGuarded } from "./walk/discover.ts";
import { parts } from "./walk/parts.ts";
import { isAnswered } from "./walk/reviews.ts";
import { reads } from "./walk/read.ts";
import { removes } from "./walk/remove.ts";
import { watches } from "./walk/watch.ts";
import { patches, updates } from "./walk/write.ts";
import { namespace, Walker } from "./walk/walker.ts";

const walks = [
  creates,
  validatesFields,
  reads,
  updates,
  patches,
  applies,
  parts,
  removes,
  watches,
  isDiscovered,
  isDescribed,
  isGuarded,
];

const admin = someone("admin", "system:masters");

async function begin(): Promise<Secured> {
  const api = await createSecured();
  await api.as(admin, "POST", "/api/v1/namespaces", { metadata: { name: namespace } });
  await api.as(admin, "POST", `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: "default" } });
  return api;
}

Deno.test("every kind does what Kubernetes' does, verb by verb and form by form", async (t) => {
  const api = await begin();
  for (const resource of resources) {
    const { group, version, plural } = resource;
    await t.step(`${plural} of ${group === "" ? version : `${group}/${version}`}`, async () => {
      const walker = new Walker(api, resource, admin);
      for (const walk of walks) await walk(walker);
    });
  }
  await api.close();
});

Deno.test("every kind that is only asked is answered in every form, and stored nowhere", async (t) => {
  const api = await begin();
  const walker = new Walker(api, resources[0]!, admin);
  for (const review of api.auth.reviews) await t.step(review.kind, () => isAnswered(walker, review));
  await api.close();
});

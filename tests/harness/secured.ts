/** For tests: the API server's filters, authentication, authorisation and admission in this process, over a memory store. */
import { admissionPlugins } from "../../apiserver/admission/mod.ts";
import type { Permissions } from "../../apiserver/admission/permissions.ts";
import type { QuotaParts } from "../../apiserver/admission/resource_quota.ts";
import { type Auth, createAuth } from "../../apiserver/auth/mod.ts";
import { newTokenKey } from "../../apiserver/auth/tokens/jwt.ts";
import { apiserverUser, authenticated, type User } from "../../apiserver/auth/user.ts";
import { FlowControl } from "../../apiserver/flow/flow_control.ts";
import { createHealth } from "../../apiserver/health.ts";
import { createMetrics } from "../../apiserver/metrics.ts";
import { quotaParts } from "../../apiserver/quota_usage.ts";
import { componentStatuses } from "../../apiserver/component_status.ts";
import { resources, standIns } from "../../apiserver/registry/mod.ts";
import { resourceMetrics, type ResourceMetricsParts } from "../../apiserver/resource_metrics/mod.ts";
import { servedOf } from "../../apiserver/served.ts";
import { createSystemObjects } from "../../apiserver/system_objects.ts";
import { createHandler, type Handler, type ServerParts } from "../../apiserver/server.ts";
import { type Client, createClient } from "../../lib/client/client.ts";
import type { RuntimeConfig } from "../../lib/runtime_config.ts";
import { FakeClock } from "../../lib/seams/clock.ts";
import { systemRandom } from "../../lib/seams/random.ts";
import { type Answer, createFixture, type Fixture } from "./rest.ts";

export interface Secured {
  readonly fixture: Fixture;
  readonly clock: FakeClock;
  readonly auth: Auth;
  readonly handler: Handler;
  readonly flow: FlowControl;
  /** May do everything. */
  readonly admin: Client;
  client(user: User): Client;
  /** As a user, or as whoever the headers say when it is null. */
  as(
    user: User | null,
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  close(): Promise<void>;
}

export const adminToken = "admin-token";

export interface SecuredOptions {
  /** Kinds that are off. Default: none. */
  runtimeConfig?: RuntimeConfig;
  /** How the agents answer. Default: not at all. */
  connect?: ResourceMetricsParts["connect"];
  /** In the place of those that are made. */
  parts?: Partial<ServerParts>;
}

/** With the default roles, bindings and namespaces. */
export async function createSecured(options: SecuredOptions = {}): Promise<Secured> {
  const { runtimeConfig = new Map(), connect = () => Promise.reject(new Error("there are no agents")), parts = {} } =
    options;
  const clock = new FakeClock();
  const storages = [...new Set(resources.map(({ storage }) => storage))];
  let auth!: Auth;
  const fixture = await createFixture({
    resources,
    clock,
    over(cache, store) {
      auth = createAuth({
        adminToken,
        cache,
        storages,
        clock,
        random: systemRandom,
        tokenKeys: newTokenKey(),
        clusterDomain: "cluster.local",
        address: "https://192.0.2.1:6443",
      });
      const quota = quotaParts({ cache, store, resources, clock });
      return {
        admission: admissionPlugins({ ...auth, random: systemRandom, quota }),
        ...servedOf({
          resources,
          reviews: [...auth.reviews, ...standIns],
          computed: [
            componentStatuses({ cache, clock, checkStore: () => store.stats() }),
            ...resourceMetrics({ cache, clock, connect }),
          ],
        }, runtimeConfig),
      };
    },
  });
  const flow = new FlowControl({ clock, seats: 600 });
  const handler = createHandler({
    rest: fixture.rest,
    health: createHealth({ live: [], ready: [] }),
    metrics: createMetrics({ storageBytes: () => Promise.resolve(0), objects: () => [], watchers: () => [] }),
    flow: { control: flow, count: () => 0 },
    clock,
    random: systemRandom,
    version: {},
    ...auth,
    ...parts,
  });
  const client = (user: User) => createClient((request, live) => handler(request, { user, live }));
  const admin = client(apiserverUser);
  await createSystemObjects(admin);
  await fixture.cache.fresh();
  return {
    fixture,
    clock,
    auth,
    handler,
    flow,
    admin,
    client,
    async as(user, method, path, body, headers = {}) {
      const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
      const request = new Request(new URL(path, "http://apiserver"), {
        method,
        headers: text === undefined ? headers : { "content-type": "application/json", ...headers },
        body: text,
      });
      const response = await handler(request, user === null ? {} : { user });
      const answer = await response.text();
      const json = response.headers.get("content-type")?.startsWith("application/json") && answer !== "";
      const { status } = response;
      return { status, headers: response.headers, text: answer, body: json ? JSON.parse(answer) : undefined };
    },
    close: () => fixture.close(),
  };
}

export const someone = (name: string, ...groups: string[]) => authenticated(name, groups);

/** For tests of admission by itself. */
export const everythingAllowed: Permissions = {
  may: () => true,
  refusal: () => new Error("nothing is refused"),
  held: () => ({ rules: [{ apiGroups: ["*"], resources: ["*"], verbs: ["*"] }], errors: [] }),
  rulesOf: () => [],
};

export const noQuotas: QuotaParts = {
  used: () => new Map(),
  counters: () => Promise.resolve(new Map()),
  now: () => 0,
};

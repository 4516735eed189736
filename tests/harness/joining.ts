/**
 * For tests: an API server in this process, with its filters, its controllers for certificates and its authority, and hosts that join it.
 * A client certificate counts as it does over TLS: signed by the authority, and good at the clock's time.
 */
import { X509Certificate } from "node:crypto";
import { admissionPlugins } from "../../apiserver/admission/mod.ts";
import { mayAccess } from "../../apiserver/auth/authorize.ts";
import { type Auth, createAuth } from "../../apiserver/auth/mod.ts";
import { bootstrapRbac } from "../../apiserver/auth/rbac/bootstrap.ts";
import { newTokenKey } from "../../apiserver/auth/tokens/jwt.ts";
import { apiserverUser, authenticated, componentUser } from "../../apiserver/auth/user.ts";
import { runControllers } from "../../apiserver/controllers/mod.ts";
import { FlowControl } from "../../apiserver/flow/flow_control.ts";
import { createHealth } from "../../apiserver/health.ts";
import { createMetrics } from "../../apiserver/metrics.ts";
import { type Authority, createAuthority, loadAuthority } from "../../apiserver/pki/pki.ts";
import { quotaParts } from "../../apiserver/quota_usage.ts";
import { resources } from "../../apiserver/registry/mod.ts";
import { createHandler, type Handler } from "../../apiserver/server.ts";
import { type Client, createClient, type Transport } from "../../lib/client/client.ts";
import type { Access } from "../../lib/client/kubeconfig.ts";
import { joinCluster, type JoinNetwork, type JoinOptions } from "../../lib/join/join.ts";
import type { JoinString } from "../../lib/join/join_string.ts";
import type { JoinResult } from "../../lib/join/joined.ts";
import { isOutOfDate } from "../../lib/pki/certificate.ts";
import { FakeClock } from "../../lib/seams/clock.ts";
import { systemRandom } from "../../lib/seams/random.ts";
import { nextTurn } from "../../lib/seams/turn.ts";
import { Namespace } from "../../lib/types/kinds.ts";
import { createFixture, type Fixture } from "./rest.ts";

const settings = {
  clusterId: "test",
  clusterCidr: "10.244.0.0/16",
  serviceCidr: "10.96.0.0/16",
  clusterDns: "10.96.0.10",
  clusterDomain: "cluster.local",
  nodePortRange: { from: 30000, to: 32767 },
};

export const joinServer = "https://192.0.2.1:6443";

/** Jumps: what is due in between does not run a hundred thousand times. */
class JumpingClock extends FakeClock {
  #ahead = 0;

  override now(): number {
    return super.now() + this.#ahead;
  }

  jump(ms: number): void {
    this.#ahead += ms;
  }
}

export interface JoiningServer extends AsyncDisposable {
  readonly fixture: Fixture;
  readonly clock: JumpingClock;
  readonly authority: Authority;
  readonly admin: Client;
  readonly network: JoinNetwork;
  /** As whoever the access shows to be. */
  client(access: Partial<Access>): Client;
  join(host: Host, options?: Passing): Promise<JoinResult>;
  /** Lets time pass until the promise settles: slowly, because signing takes turns of the event loop and none of the clock. */
  passing<T>(promise: Promise<T>, options?: Passing): Promise<T>;
}

export interface Passing {
  /** By how much the clock moves at a time. Default 1 ms: much slower than the work, so that nothing runs out meanwhile. */
  stepMs?: number;
}

export type Host = Pick<JoinOptions, "dataDir" | "nodeName"> & { join: JoinString } & Partial<JoinOptions>;

function userOf(cert: string | undefined, authority: Authority, now: number) {
  if (cert === undefined) return undefined;
  const x509 = new X509Certificate(cert);
  if (!x509.verify(new X509Certificate(authority.cert).publicKey) || isOutOfDate(cert, now)) return undefined;
  const field = (name: string) =>
    x509.subject.split("\n").filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1));
  return authenticated(field("CN")[0]!, field("O"));
}

function transportTo(handler: Handler, authority: Authority, clock: FakeClock) {
  return (access: Partial<Access>): Transport & { close(): void } => {
    const send = (request: Request) => {
      const headers = new Headers(request.headers);
      if (access.token !== undefined) headers.set("authorization", `Bearer ${access.token}`);
      const user = userOf(access.cert, authority, clock.now());
      return handler(new Request(request, { headers }), user === undefined ? {} : { user });
    };
    return Object.assign(send, { close() {} });
  };
}

export async function createJoiningServer(): Promise<JoiningServer> {
  const clock = new JumpingClock();
  const storages = [...new Set(resources.map(({ storage }) => storage))];
  let auth!: Auth;
  const fixture = await createFixture({
    resources,
    clock,
    over(cache, store) {
      auth = createAuth({
        adminToken: "admin-token",
        cache,
        storages,
        clock,
        random: systemRandom,
        tokenKeys: newTokenKey(),
        clusterDomain: "cluster.local",
        address: joinServer,
      });
      const quota = quotaParts({ cache, store, resources, clock });
      return { admission: admissionPlugins({ ...auth, random: systemRandom, quota }), reviews: auth.reviews };
    },
  });
  const { rest } = fixture;
  const authority = await loadAuthority(
    await createAuthority("test-ca", clock.now(), systemRandom),
    clock,
    systemRandom,
  );
  const server = await authority.issue({ commonName: "kube-apiserver" }, { usage: "server", names: ["192.0.2.1"] });
  const flow = new FlowControl({ clock, seats: 600 });
  const handler = createHandler({
    rest,
    health: createHealth({ live: [], ready: [] }),
    metrics: createMetrics({ storageBytes: () => Promise.resolve(0), objects: () => [], watchers: () => [] }),
    flow: { control: flow, count: () => 0 },
    clock,
    random: systemRandom,
    version: {},
    ...auth,
  });
  const transport = transportTo(handler, authority, clock);
  const client = (access: Partial<Access>) => createClient(transport(access));
  const admin = client({ token: "admin-token" });
  for (const name of ["kube-system", "kube-node-lease", "default"]) {
    await admin.create(Namespace, { metadata: { name }, spec: {} });
  }
  await bootstrapRbac(createClient((request) => handler(request, { user: apiserverUser })));
  const stop = new AbortController();
  const running = runControllers({
    clientFor: (name) =>
      createClient((request) => handler(request, { user: componentUser(`system:controller:${name}`) })),
    clock,
    random: systemRandom,
    config: {
      clusterCidr: settings.clusterCidr,
      serviceCidr: settings.serviceCidr,
      advertiseAddress: "192.0.2.1",
      port: 6443,
      caPem: authority.cert,
      settings,
      legacyToken: auth.legacyToken,
      certificates: {
        sign: (order) => authority.sign(order),
        allows: ({ name, groups }, subresource) =>
          mayAccess(auth.authorizers, { name, groups }, {
            verb: "create",
            path: "",
            resource: { group: "certificates.k8s.io", name: "certificatesigningrequests", subresource },
          }),
      },
    },
    signal: stop.signal,
  });
  const network: JoinNetwork = {
    chain: () =>
      Promise.resolve([server.cert, authority.cert].map((pem) => new Uint8Array(new X509Certificate(pem).raw))),
    transport,
  };
  const passing = async <T>(promise: Promise<T>, { stepMs = 1 }: Passing = {}): Promise<T> => {
    let settled = false;
    const done = () => void (settled = true);
    promise.then(done, done);
    for (let turns = 0; !settled; turns++) {
      // Signing takes turns of the event loop and no time of the clock.
      await nextTurn();
      if (turns % 50 !== 49) continue;
      await clock.advance(stepMs);
      await fixture.clock.advance(stepMs);
    }
    return await promise;
  };
  return {
    fixture,
    clock,
    authority,
    admin,
    network,
    client,
    passing,
    join: (host, options) =>
      passing(joinCluster({ nodeIp: "192.0.2.9", machineId: "m1", clock, say: () => {}, network, ...host }), options),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await passing(running);
      await fixture.close();
    },
  };
}

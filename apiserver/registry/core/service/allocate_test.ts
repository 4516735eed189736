import assert from "assert";
import type { KubeObject } from "../../../../lib/kind.ts";
import { clone } from "../../../../lib/patch/equal.ts";
import { seededRandom } from "../../../../lib/seams/random.ts";
import { StatusError } from "../../../../lib/status.ts";
import type { Service } from "../../../../lib/types/core_v1.ts";
import type { AllocateContext, ClusterConfig } from "../../../rest/resource.ts";
import { created, updated } from "../../meta/kind_scene.ts";
import { service } from "../service.ts";
import { addressBand, pick, portBand } from "./bands.ts";
import { addressRange } from "./cluster_ips.ts";

/** As the store and rest/commit do it: claims in order, all or nothing; what was picked is picked again when it is taken. */
class Claims {
  readonly held = new Map<string, string>();
  readonly #random = seededRandom(7);

  /** `ranges`: ServiceCIDRs. */
  constructor(readonly config: Partial<ClusterConfig> = {}, readonly ranges: readonly KubeObject[] = []) {}

  write(object: Service | undefined, old?: Service): Service {
    let known = new Map<string, string>();
    for (let attempt = 0; attempt < 16; attempt++) {
      const written = clone(object);
      const taken = (space: string) =>
        new Set([...known.keys()].filter((key) => key.startsWith(`${space} `)).map((key) => key.split(" ")[1]!));
      const allocations = service.allocate!(written, old, { ...this.#context(), taken });
      const after = new Map(this.held);
      const refused = allocations.find(({ claim }) => {
        const key = `${claim.space} ${claim.name}`;
        assert.ok(claim.do !== "add");
        if (claim.do === "release") return after.get(key) === claim.owner && !after.delete(key);
        if ((after.get(key) ?? claim.owner) !== claim.owner) return true;
        after.set(key, claim.owner);
        return false;
      });
      if (refused === undefined) {
        this.held.clear();
        for (const [key, owner] of after) this.held.set(key, owner);
        return written ?? old!;
      }
      if (refused.refused !== undefined) throw new Error(`${refused.refused.field}: ${refused.refused.message}`);
      known = new Map(this.held);
    }
    throw new Error("no attempt was the last");
  }

  #context(): Omit<AllocateContext, "taken"> {
    const config = {
      serviceCidr: "10.96.0.0/16",
      nodePortRange: { from: 30000, to: 32767 },
      clusterDomain: "cluster.local",
      ...this.config,
    };
    const objects = (storage: string) => storage === "networking.k8s.io/servicecidrs" ? this.ranges : [];
    return { config, random: this.#random, objects };
  }

  names(): string[] {
    return [...this.held.keys()].sort();
  }
}

let uids = 0;
function make(spec: Record<string, unknown>): Service {
  const ports = [{ port: 80 }];
  return created(service, { metadata: { uid: `uid-${uids++}` }, spec: { ports, ...spec } });
}

/** What a change of an old Service comes to. */
function change(claims: Claims, old: Service, spec: Record<string, unknown>): Service {
  return claims.write(updated(service, old, (object) => Object.assign(object.spec, spec)), old);
}

Deno.test("service gets an address above the band of those that are asked for", () => {
  const claims = new Claims();
  for (let i = 0; i < 200; i++) {
    const { clusterIP, clusterIPs } = claims.write(make({})).spec;
    assert.match(clusterIP!, /^10\.96\.(?:[1-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])\.\d+$/);
    assert.deepEqual(clusterIPs, [clusterIP]);
    assert.notEqual(clusterIP, "10.96.255.255");
  }
  assert.equal(claims.held.size, 200);
});

Deno.test("service gets what it asks for, or an error that says why not", () => {
  const claims = new Claims();
  claims.write(make({ clusterIP: "10.96.0.10" }));
  assert.deepEqual(claims.names(), ["clusterips 10.96.0.10"]);
  assert.throws(() => claims.write(make({ clusterIP: "10.96.0.10" })), {
    message: 'spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: ' +
      "provided IP is already allocated",
  });
  for (const ip of ["10.97.0.1", "10.96.0.0", "10.96.255.255"]) {
    assert.throws(() => claims.write(make({ clusterIP: ip })), (error: StatusError) => {
      assert.deepEqual([error.code, error.message], [
        422,
        `Service "web" is invalid: spec.clusterIPs: Invalid value: ["${ip}"]: failed to allocate IP ${ip}: the provided IP ` +
        `(${ip}) is not in the valid range. The range of valid IPs is 10.96.0.0/16`,
      ]);
      return true;
    });
  }
  assert.deepEqual(claims.write(make({ clusterIP: "None" })).spec.clusterIPs, ["None"]);
  claims.write(make({ type: "ExternalName", externalName: "a.b" }));
  assert.equal(claims.held.size, 1);
});

Deno.test("service uses a range to its last address, and then says so", () => {
  const claims = new Claims({ serviceCidr: "10.0.0.16/28" });
  const got = Array.from({ length: 14 }, () => claims.write(make({})).spec.clusterIP!);
  const all = Array.from({ length: 14 }, (_, i) => `10.0.0.${17 + i}`);
  assert.deepEqual(got.sort(), all.sort());
  assert.throws(() => claims.write(make({})), (error: StatusError) => {
    const message = "Internal error occurred: failed to allocate a serviceIP: range is full";
    assert.deepEqual([error.code, error.message], [500, message]);
    return true;
  });
});

Deno.test("service gets addresses of further ServiceCIDRs that are ready, when the first is used up", () => {
  const range = (name: string, cidr: string, ready: string, deletionTimestamp?: string) =>
    ({
      metadata: { name, deletionTimestamp },
      spec: { cidrs: [cidr] },
      status: { conditions: [{ type: "Ready", status: ready }] },
    }) as unknown as KubeObject;
  const now = "2026-01-01T00:00:00Z";
  const claims = new Claims({ serviceCidr: "10.0.0.16/30" }, [
    range("kubernetes", "10.0.0.16/30", "True"),
    range("more", "10.0.1.16/30", "True"),
    range("new", "10.0.2.16/30", "False"),
    range("going", "10.0.3.16/30", "True", now),
  ]);
  const got = Array.from({ length: 4 }, () => claims.write(make({})).spec.clusterIP!);
  assert.deepEqual(got.slice(0, 2).sort(), ["10.0.0.17", "10.0.0.18"]);
  assert.deepEqual(got.slice(2).sort(), ["10.0.1.17", "10.0.1.18"]);
  assert.throws(() => claims.write(make({})), { message: /range is full$/ });
  assert.throws(() => claims.write(make({ clusterIP: "10.0.2.17" })), {
    message: /The range of valid IPs is 10\.0\.0\.16\/30, 10\.0\.1\.16\/30$/,
  });
  const leaving = new Claims({}, [
    range("kubernetes", "10.96.0.0/16", "False", now),
    range("more", "10.0.1.0/28", "True"),
  ]);
  assert.match(leaving.write(make({})).spec.clusterIP!, /^10\.0\.1\./, "the first is being replaced");
});

Deno.test("service has one node port for a number that it has in two protocols", () => {
  const claims = new Claims();
  const dns = [{ name: "a", port: 53 }, { name: "b", port: 53, protocol: "UDP" }, { name: "c", port: 54 }];
  const ports = claims.write(make({ type: "NodePort", ports: dns })).spec.ports!;
  assert.equal(ports[0]!.nodePort, ports[1]!.nodePort);
  assert.notEqual(ports[0]!.nodePort, ports[2]!.nodePort);
  for (const { nodePort } of ports) assert.ok(nodePort! >= 30086 && nodePort! <= 32767, `${nodePort}`);
  const asked = [{ name: "a", port: 53, nodePort: 30053 }, { name: "b", port: 53, protocol: "UDP" }];
  assert.deepEqual(claims.write(make({ type: "NodePort", ports: asked })).spec.ports!.map((p) => p.nodePort), [
    30053,
    30053,
  ]);
  assert.throws(() => claims.write(make({ type: "NodePort", ports: [{ port: 1, nodePort: 30053 }] })), {
    message: "spec.ports[0].nodePort: Invalid value: 30053: provided port is already allocated",
  });
  const late = [{ name: "a", port: 1, protocol: "SCTP", nodePort: 30053 }, { name: "b", port: 1, protocol: "UDP" }];
  assert.throws(() => claims.write(make({ type: "NodePort", ports: late })), {
    message: "spec.ports[1].nodePort: Invalid value: 30053: provided port is already allocated",
  });
  assert.throws(() => claims.write(make({ type: "NodePort", ports: [{ port: 1, nodePort: 80 }] })), {
    message:
      'Service "web" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. ' +
      "The range of valid ports is 30000-32767",
  });
});

Deno.test("service uses the node ports below the band when the others are gone, and then says so", () => {
  const claims = new Claims({ nodePortRange: { from: 30000, to: 30019 } });
  const nodePort = () => claims.write(make({ type: "NodePort" })).spec.ports![0]!.nodePort!;
  assert.deepEqual(Array.from({ length: 4 }, nodePort).sort(), [30016, 30017, 30018, 30019]);
  const rest = Array.from({ length: 16 }, nodePort).sort();
  assert.deepEqual(rest, Array.from({ length: 16 }, (_, i) => 30000 + i));
  assert.throws(nodePort, { message: "Internal error occurred: failed to allocate a nodePort: range is full" });
  const local = make({ type: "LoadBalancer", externalTrafficPolicy: "Local", allocateLoadBalancerNodePorts: false });
  assert.throws(() => claims.write(local), {
    message: "Internal error occurred: failed to allocate a HealthCheck NodePort 0: range is full",
  });
});

Deno.test("service of type LoadBalancer has a health check port, and node ports only if it wants them", () => {
  const claims = new Claims();
  const spec = { type: "LoadBalancer", externalTrafficPolicy: "Local", allocateLoadBalancerNodePorts: false };
  const balanced = claims.write(make(spec));
  assert.equal(balanced.spec.ports![0]!.nodePort, undefined);
  assert.ok(claims.held.has(`nodeports TCP/${balanced.spec.healthCheckNodePort}`));
  const cluster = change(claims, balanced, { externalTrafficPolicy: "Cluster", allocateLoadBalancerNodePorts: true });
  assert.deepEqual([cluster.spec.healthCheckNodePort, claims.held.size], [undefined, 2]);
  assert.ok(claims.held.has(`nodeports TCP/${cluster.spec.ports![0]!.nodePort}`));
});

Deno.test("service gives back what it no longer has", () => {
  const claims = new Claims();
  const web = claims.write(make({ type: "NodePort", ports: [{ name: "a", port: 80 }, { name: "b", port: 81 }] }));
  const [a, b] = web.spec.ports!.map(({ nodePort }) => nodePort!);
  const { clusterIP } = web.spec;
  const one = change(claims, web, { ports: [{ name: "b", port: 81 }] });
  assert.deepEqual(claims.names(), [`clusterips ${clusterIP}`, `nodeports TCP/${b}`]);
  const moved = change(claims, one, { ports: [{ name: "b", port: 81, nodePort: a }] });
  assert.deepEqual(claims.names(), [`clusterips ${clusterIP}`, `nodeports TCP/${a}`]);
  const plain = change(claims, moved, { type: "ClusterIP" });
  assert.deepEqual(claims.names(), [`clusterips ${clusterIP}`]);
  const named = change(claims, plain, { type: "ExternalName", externalName: "a.b" });
  assert.deepEqual(claims.names(), []);
  const back = change(claims, named, { type: "ClusterIP" });
  assert.deepEqual(claims.names(), [`clusterips ${back.spec.clusterIP}`]);
  claims.write(undefined, back);
  assert.deepEqual(claims.names(), []);
});

Deno.test("service keeps what another holds when it is deleted", () => {
  const claims = new Claims();
  const web = claims.write(make({}));
  claims.held.set(`clusterips ${web.spec.clusterIP}`, "someone");
  claims.write(undefined, web);
  assert.equal(claims.held.get(`clusterips ${web.spec.clusterIP}`), "someone");
});

Deno.test("bands are as large as Kubernetes makes them", () => {
  const sizes = (band: (size: number) => number, ...all: number[]) => all.map(band).join();
  assert.equal(sizes(addressBand, 16, 32, 256, 512, 4096, 65536), "0,16,16,32,256,256");
  assert.equal(sizes(portBand, 15, 16, 100, 2768, 10000), "0,16,16,86,128");
  assert.deepEqual(addressRange("10.96.3.4/16"), {
    text: "10.96.0.0/16",
    bands: { first: 0x0a600001, dynamic: 0x0a600100, last: 0x0a60fffe },
  });
});

Deno.test("pick() finds the only number that is free", () => {
  const bands = { first: 0, dynamic: 10, last: 19 };
  for (let free = 0; free < 20; free++) assert.equal(pick(bands, seededRandom(free), (n) => n !== free), free);
  assert.equal(pick(bands, seededRandom(1), () => true), undefined);
  assert.equal(pick({ first: 1, dynamic: 5, last: 2 }, seededRandom(1), (n) => n !== 2), 2);
});

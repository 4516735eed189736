/** How the server reaches nodes and pods for a client: logs and proxies. Upgrades (exec, attach, port-forward) go through tunnel.ts. */
import { createFetcher, type Fetcher } from "../lib/seams/https.ts";
import { StatusError, statusError } from "../lib/status.ts";
import type { Node } from "../lib/types/core_v1.ts";
import type { Cache } from "./cache/cache.ts";
import type { KeyPair } from "./pki/pki.ts";
import type { ConnectTarget } from "./rest/resource.ts";
import type { NodeAddress } from "./tunnel.ts";

/** Where an agent listens, from what its Node says. */
export function nodeAddress(cache: Cache, name: string): NodeAddress {
  const node = cache.resource("nodes").get(name)?.object as Node | undefined;
  if (node === undefined) {
    throw statusError("NotFound", `nodes ${JSON.stringify(name)} not found`, { name, kind: "nodes" });
  }
  const host = node.status.addresses?.find(({ type }) => type === "InternalIP")?.address;
  const port = node.status.daemonEndpoints?.kubeletEndpoint?.Port;
  if (host === undefined || port === undefined) {
    throw statusError("ServiceUnavailable", `node ${name} has not said yet where its agent listens`);
  }
  return { host, port, serverName: name };
}

/** Requests to nodes and addresses that are no upgrades: logs and proxies. Answers are streamed. */
export function createConnector(ca: string, client: () => KeyPair, addressOf: (node: string) => NodeAddress) {
  let made: { cert: string; fetchers: Map<string, Fetcher> } = { cert: "", fetchers: new Map() };
  const fetcherFor = (serverName: string) => {
    // A renewed certificate means new connections; the old ones end when they are idle.
    if (made.cert !== client().cert) made = { cert: client().cert, fetchers: new Map() };
    const fetcher = made.fetchers.get(serverName) ?? createFetcher({ ca, ...client(), serverName });
    made.fetchers.set(serverName, fetcher);
    return fetcher;
  };
  const plain = createFetcher();
  return async (target: ConnectTarget, request: Request): Promise<Response> => {
    const headers = new Headers(request.headers);
    // Who asks, and for whom, was settled here: it is nobody else's to see.
    const own = [...headers.keys()].filter((name) => name.startsWith("impersonate-"));
    for (const name of ["authorization", "host", "connection", "content-length", ...own]) headers.delete(name);
    const { method, body, signal } = request;
    try {
      if (target.to === "address") {
        const url = `${target.scheme}://${target.host}:${target.port}${target.path}`;
        return await plain(new Request(url, { method, headers, body, signal }));
      }
      const { host, port, serverName } = addressOf(target.node);
      return await fetcherFor(serverName)(
        new Request(`https://${host}:${port}${target.path}`, { method, headers, body, signal }),
      );
    } catch (error) {
      if (error instanceof StatusError || signal.aborted) throw error;
      const where = target.to === "node" ? `the agent of node ${target.node}` : `${target.host}:${target.port}`;
      throw statusError("ServiceUnavailable", `${where} cannot be reached: ${(error as Error).message}`);
    }
  };
}

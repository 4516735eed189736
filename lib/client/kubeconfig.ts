/** Kubeconfig files, as far as Sauropod's own components write and read them: one cluster, one user, one context. */
import { parse, stringify } from "yaml";
import type { Transport } from "./client.ts";
import { createFetcher, type Tls } from "../seams/https.ts";

export interface Access {
  /** `https://host:port` */
  server: string;
  /** PEM. */
  ca: string;
  token?: string;
  /** PEM of a client certificate and its key. */
  cert?: string;
  key?: string;
}

const encode = (text: string) => btoa(text);

/** YAML of a kubeconfig whose only context is current. */
export function kubeconfigText(access: Access, names: { cluster: string; user: string }): string {
  const user = access.token !== undefined
    ? { token: access.token }
    : { "client-certificate-data": encode(access.cert!), "client-key-data": encode(access.key!) };
  const context = `${names.user}@${names.cluster}`;
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{
      name: names.cluster,
      cluster: { server: access.server, "certificate-authority-data": encode(access.ca) },
    }],
    users: [{ name: names.user, user }],
    contexts: [{ name: context, context: { cluster: names.cluster, user: names.user } }],
    "current-context": context,
  });
}

/** What the current context of a kubeconfig says. Throws with the name of what is missing. */
export function parseKubeconfig(text: string): Access {
  const config = parse(text) ?? {};
  // deno-lint-ignore no-explicit-any
  const named = (list: string, name: unknown): any => {
    // deno-lint-ignore no-explicit-any
    const found = config[list]?.find((entry: any) => entry.name === name);
    if (found === undefined) throw new Error(`kubeconfig: no entry ${JSON.stringify(name)} in ${list}`);
    return found;
  };
  const { context } = named("contexts", config["current-context"]);
  const { cluster } = named("clusters", context.cluster);
  const { user } = named("users", context.user);
  const decode = (data: string | undefined) => data === undefined ? undefined : atob(data);
  const ca = decode(cluster["certificate-authority-data"]);
  if (ca === undefined) throw new Error("kubeconfig: clusters[].cluster.certificate-authority-data is missing");
  return {
    server: cluster.server,
    ca,
    token: user.token,
    cert: decode(user["client-certificate-data"]),
    key: decode(user["client-key-data"]),
  };
}

/**
 * A transport over HTTPS. `tls` may be swapped by making a new one; `close` ends its connections. The server says something on each watch
 * with bookmarks once a minute; with `silenceMs` a watch on which it does not fails.
 */
export function httpsTransport(access: Access, options: { silenceMs?: number } = {}): Transport & { close(): void } {
  const tls: Tls = { ca: access.ca, cert: access.cert, key: access.key };
  const fetcher = createFetcher(tls, options);
  const send = (request: Request) => {
    const url = new URL(request.url);
    const headers = new Headers(request.headers);
    if (access.token !== undefined) headers.set("authorization", `Bearer ${access.token}`);
    return fetcher(
      new Request(access.server + url.pathname + url.search, {
        method: request.method,
        headers,
        body: request.body,
        signal: request.signal,
      }),
    );
  };
  return Object.assign(send, { close: () => fetcher.close() });
}

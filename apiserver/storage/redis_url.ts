/** `--redis URL` as connection options. Pure. */

/** Where a Redis is, in the words of ioredis. */
export interface RedisAddress {
  readonly host?: string;
  readonly port?: number;
  /** Unix socket. */
  readonly path?: string;
  readonly sentinels?: readonly { readonly host: string; readonly port: number }[];
  /** The master's name, with Sentinel. */
  readonly name?: string;
  readonly username?: string;
  readonly password?: string;
  readonly db: number;
  readonly tls: boolean;
  /** For messages: without the password. */
  readonly shown: string;
}

const forms = "redis://[user:password@]host[:port][/db], rediss://…, unix:/path/to.sock[?db=N] or an absolute path, " +
  "redis+sentinel://[user:password@]host:port,host:port/master[/db], rediss+sentinel://…";

/** Throws TypeError that names the flag and the accepted forms. */
export function parseRedisUrl(text: string): RedisAddress {
  if (text.startsWith("/")) return { path: text, db: 0, tls: false, shown: text };
  const socket = /^unix:(\/[^/].*)$/.exec(text)?.[1];
  if (socket !== undefined) return parseRedisUrl(`redis+unix://${socket}`);
  const match = /^([a-z+]+):\/\/(?:([^@/]*)@)?([^/?]*)(\/[^?]*)?(?:\?(.*))?$/.exec(text);
  if (match === null) throw refused("is not a Redis URL");
  const [, scheme, userinfo, hosts = "", path = "", query = ""] = match;
  const credentials = parseCredentials(userinfo);
  const shownUser = userinfo === undefined ? "" : "***@";
  switch (scheme) {
    case "unix":
    case "redis+unix": {
      if (hosts !== "" || path === "") throw refused("needs an absolute path after redis+unix://");
      const db = parseDb(new URLSearchParams(query).get("db") ?? "");
      return { ...credentials, path: decodeURIComponent(path), db, tls: false, shown: `redis+unix://${path}` };
    }
    case "redis":
    case "rediss":
      return {
        ...credentials,
        ...parseHost(hosts, 6379),
        db: parseDb(path.slice(1)),
        tls: scheme === "rediss",
        shown: `${scheme}://${shownUser}${hosts}${path}`,
      };
    case "redis+sentinel":
    case "rediss+sentinel": {
      const [name = "", db = "", ...rest] = path.slice(1).split("/").map(decodeURIComponent);
      if (name === "" || rest.length > 0) throw refused("needs the master's name: …/master");
      return {
        ...credentials,
        sentinels: hosts.split(",").map((host) => parseHost(host, 26379)),
        name,
        db: parseDb(db),
        tls: scheme === "rediss+sentinel",
        shown: `${scheme}://${shownUser}${hosts}${path}`,
      };
    }
    default:
      throw refused(`has the unknown scheme ${scheme}`);
  }
}

function parseCredentials(userinfo: string | undefined): { username?: string; password?: string } {
  if (userinfo === undefined) return {};
  const colon = userinfo.indexOf(":");
  if (colon < 0) throw refused("has a user without a password: write user:password@ or :password@");
  const username = decodeURIComponent(userinfo.slice(0, colon));
  const password = decodeURIComponent(userinfo.slice(colon + 1));
  return username === "" ? { password } : { username, password };
}

function parseHost(text: string, defaultPort: number): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(text);
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  if (match === null || port < 1 || port > 65535) throw refused(`has the bad address ${JSON.stringify(text)}`);
  return { host: (match[1] ?? match[2])!, port };
}

function parseDb(text: string): number {
  if (!/^\d{0,5}$/.test(text)) throw refused(`has the bad database number ${JSON.stringify(text)}`);
  return Number(text);
}

/** The URL itself is not repeated: it may hold a password. */
function refused(why: string): TypeError {
  return new TypeError(`--redis: the value ${why}; accepted: ${forms}`);
}

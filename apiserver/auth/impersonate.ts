/**
 * One user in the place of another: `kubectl --as` (k8s.io/apiserver/pkg/endpoints/filters/impersonation.go). Who asks must be allowed
 * to impersonate each user, group, uid and extra that it names; from then on the request is the other's.
 */
import { statusError } from "../../lib/status.ts";
import { authorize, type Authorizer } from "./authorize.ts";
import type { Access } from "./rules.ts";
import { accountGroups, accountOf } from "./tokens/claims.ts";
import { anonymous, authenticatedGroup, type User } from "./user.ts";

const unauthenticatedGroup = anonymous.groups[0]!;
const prefix = "impersonate-";
const extraPrefix = "impersonate-extra-";

interface Wanted {
  user: string;
  uid: string;
  groups: readonly string[];
  extra: Readonly<Record<string, string[]>>;
}

/** Whether there is any such header, of names and values in turn as they came. */
export function asksForAnother(rawHeaders: readonly string[]): boolean {
  return rawHeaders.some((text, i) => i % 2 === 0 && text.slice(0, prefix.length).toLowerCase() === prefix);
}

/** The user that a request is to be answered for. Throws BadRequest, Forbidden. */
export function impersonated(authorizers: readonly Authorizer[], user: User, headers: Headers): User {
  const wanted = readHeaders(headers);
  if (wanted === undefined) return user;
  const check = (group: string, name: string, more: Partial<NonNullable<Access["resource"]>>) =>
    authorize(authorizers, user, { verb: "impersonate", path: "", resource: { group, name, ...more } });
  const account = accountOf(wanted.user);
  if (account === undefined) check("", "users", { object: wanted.user });
  else check("", "serviceaccounts", { namespace: account.namespace, object: account.name });
  for (const group of wanted.groups) check("", "groups", { object: group });
  for (const [key, values] of Object.entries(wanted.extra)) {
    for (const value of values) check("authentication.k8s.io", "userextras", { subresource: key, object: value });
  }
  if (wanted.uid !== "") check("authentication.k8s.io", "uids", { object: wanted.uid });
  return {
    name: wanted.user,
    ...(wanted.uid === "" ? {} : { uid: wanted.uid }),
    groups: groupsOf(wanted),
    ...(Object.keys(wanted.extra).length === 0 ? {} : { extra: wanted.extra }),
  };
}

/** An account's own, where none are named; and whether somebody is authenticated. */
function groupsOf({ user, groups: named }: Wanted): string[] {
  const account = accountOf(user);
  const groups = named.length === 0 && account !== undefined ? accountGroups(account.namespace) : [...named];
  if (user === anonymous.name) {
    return groups.includes(unauthenticatedGroup) ? groups : [...groups, unauthenticatedGroup];
  }
  const said = groups.includes(authenticatedGroup) || groups.includes(unauthenticatedGroup);
  return said ? groups : [...groups, authenticatedGroup];
}

function readHeaders(headers: Headers): Wanted | undefined {
  let any = false;
  const extra: [string, string[]][] = [];
  for (const [name, value] of headers) {
    if (!name.startsWith(prefix)) continue;
    any = true;
    if (name.startsWith(extraPrefix)) extra.push([unescapeKey(name.slice(extraPrefix.length)), values(value)]);
  }
  if (!any) return undefined;
  const user = headers.get("impersonate-user") ?? "";
  const uid = headers.get("impersonate-uid") ?? "";
  const groups = values(headers.get("impersonate-group") ?? "");
  if (user !== "") return { user, uid, groups, extra: Object.fromEntries(extra) };
  throw statusError(
    "BadRequest",
    "impersonation headers name groups, a uid or extras without a user: set Impersonate-User",
  );
}

/** Headers of one name come joined by `, `. */
const values = (header: string) => header.split(",").map((value) => value.trim()).filter((value) => value !== "");

function unescapeKey(key: string): string {
  try {
    return decodeURIComponent(key);
  } catch {
    return key;
  }
}

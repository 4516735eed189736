/**
 * One pod's link, as a script. Pure.
 *
 * A pod has an `eth0` with its address alone (/32) and sends everything to the gateway's address, which the host's end of
 * its link has. So pods never see each other's frames: the host routes between them, and policies, Services and source
 * addresses work alike with and without br_netfilter, which bridged traffic would depend on.
 */
import { type NetworkNames, podLink } from "./names.ts";
import type { Link, Route } from "./observe.ts";
import { routeProtocol } from "./node_plan.ts";

/** The host's end of every pod link has this hardware address: each link is a network of its own, with two stations. */
const hostMac = "ee:ee:ee:ee:ee:ee";

export interface PodLinkWish {
  readonly names: NetworkNames;
  readonly uid: string;
  readonly pid: number;
  readonly ip: string;
  readonly gateway: string;
  readonly mtu: number;
}

export function podAlias(names: NetworkNames, uid: string): string {
  return `${names.comment} ${uid}`;
}

/** The uid in a link's alias, when the link is one of our pods'. */
export function uidOf(names: NetworkNames, link: Link): string | undefined {
  if (!link.name.startsWith(names.podLinkPrefix)) return undefined;
  return link.alias?.startsWith(`${names.comment} `) ? link.alias.slice(names.comment.length + 1) : "";
}

/**
 * A shell script (`sh -e`) that makes the link. It refuses the host's own network namespace (a process id that has been
 * reused). Deleting the host's end of an old link takes the pod's `eth0` with it. All words in it are numbers, addresses and names of our making.
 */
export function attachScript(wish: PodLinkWish): string {
  const { names, uid, pid, ip, gateway, mtu } = wish;
  const link = podLink(names, uid);
  // Every program that is started is some milliseconds of a pod's start: `test` is the shell's own.
  return `test ! /proc/${pid}/ns/net -ef /proc/self/ns/net
test ! -e /proc/sys/net/ipv4/conf/${link} || ip link del ${link} 2>/dev/null || true
ip -batch - <<'END'
link add ${link} address ${hostMac} mtu ${mtu} type veth peer name eth0 mtu ${mtu} netns ${pid}
link set ${link} alias ${JSON.stringify(podAlias(names, uid))}
addr add ${gateway}/32 dev ${link}
link set ${link} up
route replace ${ip}/32 dev ${link} src ${gateway} proto ${routeProtocol}
END
cd /proc/sys/net/ipv4/conf/${link}
echo 1 > forwarding
echo 0 > send_redirects
echo 1 > route_localnet
nsenter -t ${pid} -n ip -batch - <<'END'
link set lo up
addr add ${ip}/32 dev eth0
link set eth0 up
neigh replace ${gateway} lladdr ${hostMac} dev eth0 nud permanent
route replace ${gateway}/32 dev eth0 scope link
route replace default via ${gateway} dev eth0
END
`;
}

/** True when the host's side of a pod's link is as attachScript() leaves it. */
export function isAttached(
  names: NetworkNames,
  pod: { uid: string; ip: string },
  view: { links: readonly Link[]; routes: readonly Route[] },
): boolean {
  const name = podLink(names, pod.uid);
  return view.links.some((link) => link.name === name && link.up && link.alias === podAlias(names, pod.uid)) &&
    view.routes.some((route) => route.destination === `${pod.ip}/32` && route.link === name);
}

/**
 * Others' firewalls that would stop pod traffic: chains of iptables that drop (Docker's FORWARD, ufw), firewalld, tables of an
 * administrator's own. An accept in our table can't help there: every table's chains are asked, and one drop is enough. So the smallest
 * exception is put into theirs, marked as ours, and taken away when it is not needed. Pure; firewall_view.ts looks, kernel_network.ts runs.
 *
 * Left out: tables of nft that someone wrote by hand. Nothing tells where in them an exception belongs; they are named in a problem.
 */

export interface FirewallView {
  /** Of each kind of iptables that is in use (nft, legacy), what `-S` shows. */
  readonly iptables: readonly { readonly program: string; readonly rules: string }[];
  /** Undefined when it does not run, or has not started anew since all was in order. */
  readonly firewalld?: FirewalldView;
  /** Other tables. */
  readonly tables: readonly { readonly family: string; readonly name: string; readonly text: string }[];
}

export interface FirewalldView {
  /** Sources whose packets it lets through and in: `firewall-cmd --zone=trusted --list-sources`. */
  readonly trusted: readonly string[];
  /** Those of them that were put there by us. */
  readonly added: readonly string[];
}

export interface FirewallWish {
  readonly clusterCidr: string;
  /** Marks rules as ours. */
  readonly comment: string;
  readonly tunnelPort: number;
  /** Addresses of the other nodes, and of those whose tunnels end here; undefined: not known yet, what is there for them stays. */
  readonly nodes: { readonly all: readonly string[]; readonly tunnelled: readonly string[] } | undefined;
}

export interface FirewallPlan {
  readonly commands: readonly (readonly string[])[];
  /** What only the administrator can put right, in words. */
  readonly problems: readonly string[];
}

/** Nothing to do when nothing is in the pods' way. */
export function planFirewall(wish: FirewallWish, view: FirewallView): FirewallPlan {
  const commands = view.iptables.flatMap(({ program, rules }) => planIptables(wish, program, rules));
  if (view.firewalld !== undefined) commands.push(...planFirewalld(wish, view.firewalld));
  return { commands, problems: view.tables.flatMap((table) => problemsOf(wish, table)) };
}

/** Commands that take our exceptions in iptables away again. */
export function planFirewallRemoval(comment: string, view: FirewallView): (readonly string[])[] {
  return view.iptables.flatMap(({ program, rules }) => ownRules(rules, comment).map((rule) => removal(program, rule)));
}

function planIptables(wish: FirewallWish, program: string, text: string): (readonly string[])[] {
  const lines = text.split("\n");
  const own = ownRules(text, wish.comment);
  const others = lines.filter((line) => !line.includes(wish.comment));
  const wanted: string[] = [];
  const accept = `-m comment --comment ${wish.comment} -j ACCEPT`;
  const chain = forwardChain(others);
  if (chain !== undefined) {
    wanted.push(`${chain} -s ${wish.clusterCidr} ${accept}`, `${chain} -d ${wish.clusterCidr} ${accept}`);
  }
  const guarded = drops(others, "INPUT");
  if (guarded) {
    // Pods ask this host's DNS server, and reach what listens on it as they do anywhere.
    wanted.push(`INPUT -s ${wish.clusterCidr} ${accept}`);
    const port = `-p udp -m udp --dport ${wish.tunnelPort}`;
    for (const ip of wish.nodes?.tunnelled ?? []) wanted.push(`INPUT -s ${ip}/32 ${port} ${accept}`);
  }
  const kept = (rule: string) => wish.nodes === undefined && guarded && rule.includes("--dport");
  return [
    ...wanted.filter((rule) => !own.includes(rule)).map((rule) => [program, "-w", "-I", ...rule.split(" ")]),
    ...own.filter((rule) => !wanted.includes(rule) && !kept(rule)).map((rule) => removal(program, rule)),
  ];
}

/** Without `-A`, as they are written in commands. */
function ownRules(text: string, comment: string): string[] {
  return text.split("\n").map((line) => line.replaceAll('"', ""))
    .filter((line) => line.startsWith("-A ") && line.includes(` --comment ${comment} `))
    .map((line) => line.slice("-A ".length));
}

function removal(program: string, rule: string): string[] {
  return [program, "-w", "-D", ...rule.split(" ")];
}

/** Where an accept has to go: undefined when FORWARD lets everything pass. */
function forwardChain(lines: readonly string[]): "DOCKER-USER" | "FORWARD" | undefined {
  // Docker asks this chain before its own and leaves its content to others. With it there, the next start of Docker may drop.
  if (lines.includes("-N DOCKER-USER") && lines.includes("-A FORWARD -j DOCKER-USER")) return "DOCKER-USER";
  return drops(lines, "FORWARD") ? "FORWARD" : undefined;
}

function drops(lines: readonly string[], chain: "FORWARD" | "INPUT"): boolean {
  return lines.some((line) =>
    new RegExp(`^-P ${chain} DROP$`).test(line) || new RegExp(`^-A ${chain} .*-j (DROP|REJECT)\\b`).test(line)
  );
}

/**
 * At run time only: firewalld forgets it with its next start, and it is put there again. Other nodes are trusted as pods are: what they send
 * to pods here has their own address (a node's programs, what came to a node port of theirs), and firewalld has no rule at run time that lets
 * packets through and not in.
 */
function planFirewalld(wish: FirewallWish, { trusted, added }: FirewalldView): (readonly string[])[] {
  const wanted = [wish.clusterCidr, ...(wish.nodes?.all ?? [])];
  const old = wish.nodes === undefined ? [] : added.filter((source) => !wanted.includes(source));
  return [
    ...trust("add", wanted.filter((source) => !trusted.includes(source))),
    ...trust("remove", old.filter((source) => trusted.includes(source))),
  ];
}

/** What has firewalld trust sources, or no longer: all at once, since each command takes it a third of a second. */
export function trust(verb: "add" | "remove", sources: readonly string[]): (readonly string[])[] {
  if (sources.length === 0) return [];
  return [["firewall-cmd", "--quiet", "--zone=trusted", ...sources.map((source) => `--${verb}-source=${source}`)]];
}

function problemsOf({ clusterCidr }: FirewallWish, table: FirewallView["tables"][number]): string[] {
  return table.text.split(/^\tchain /m).slice(1).flatMap((chain) => {
    const hook = /type filter hook (forward|input) priority [^;]*; policy drop;/.exec(chain)?.[1];
    // Who names the pods' range in it has thought of them.
    if (hook === undefined || chain.includes(clusterCidr)) return [];
    const name = chain.slice(0, chain.indexOf(" "));
    const words = hook === "input" ? ["saddr"] : ["saddr", "daddr"];
    return [
      `chain ${name} of the nft table ${table.family} ${table.name} drops what it does not accept, pods' packets too: ` +
      `add to it ${words.map((word) => `"ip ${word} ${clusterCidr} accept"`).join(" and ")}`,
    ];
  });
}

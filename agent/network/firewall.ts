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
  /** Undefined when it does not run, or has not started anew since it was looked at. */
  readonly firewalld?: FirewalldView;
  /** Other tables. */
  readonly tables: readonly { readonly family: string; readonly name: string; readonly text: string }[];
}

export interface FirewalldView {
  readonly trustedSources: readonly string[];
  /** The zone of the link to the other nodes. */
  readonly zone: string;
  readonly richRules: readonly string[];
}

export interface FirewallWish {
  readonly clusterCidr: string;
  /** Marks rules as ours. */
  readonly comment: string;
  readonly tunnelPort: number;
  /** Addresses of nodes whose tunnels end here; undefined: not known yet, what is there for them stays. */
  readonly tunnelPeers: readonly string[] | undefined;
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

/** `firewall-cmd` with one of these takes back what it added with the other. */
export function withdrawn(command: readonly string[]): string[] {
  return command.map((word) => word.replace(/^--add-/, "--remove-"));
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
    for (const ip of wish.tunnelPeers ?? []) wanted.push(`INPUT -s ${ip}/32 ${port} ${accept}`);
  }
  const kept = (rule: string) => wish.tunnelPeers === undefined && guarded && rule.includes("--dport");
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

/** At run time only: firewalld forgets it with its next start, and it is put there again. */
function planFirewalld(wish: FirewallWish, view: FirewalldView): (readonly string[])[] {
  const commands: (readonly string[])[] = [];
  if (!view.trustedSources.includes(wish.clusterCidr)) {
    commands.push(["firewall-cmd", "--quiet", "--zone=trusted", `--add-source=${wish.clusterCidr}`]);
  }
  for (const ip of wish.tunnelPeers ?? []) {
    const rule = `rule family="ipv4" source address="${ip}" port port="${wish.tunnelPort}" protocol="udp" accept`;
    if (view.richRules.includes(rule)) continue;
    commands.push(["firewall-cmd", "--quiet", `--zone=${view.zone}`, `--add-rich-rule=${rule}`]);
  }
  return commands;
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

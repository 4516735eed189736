/**
 * Others' firewalls that would stop pod traffic: a FORWARD chain that drops (Docker's, ufw's), firewalld. An accept in our own
 * table can't help there, so the smallest exception is put into theirs, marked as ours. Pure plans; kernel_network.ts runs them.
 */

export interface FirewallView {
  /** `iptables -w -S`; undefined when there is no iptables. */
  readonly rules?: string;
  /** `firewall-cmd --zone=trusted --list-sources`; undefined when firewalld does not run. */
  readonly trustedSources?: string;
}

export interface FirewallWish {
  readonly clusterCidr: string;
  readonly comment: string;
}

/** Commands that let pod traffic through; none when nothing is in its way. */
export function planFirewall(wish: FirewallWish, view: FirewallView): (readonly string[])[] {
  const commands: (readonly string[])[] = [];
  const chain = forwardChain(view.rules);
  if (chain !== undefined) {
    for (const direction of ["-s", "-d"] as const) {
      const rule = acceptRule(wish, direction);
      if (!hasRule(view.rules!, chain, wish, direction)) commands.push(["iptables", "-w", "-I", chain, ...rule]);
    }
  }
  if (view.trustedSources !== undefined && !view.trustedSources.split(/\s+/).includes(wish.clusterCidr)) {
    commands.push(["firewall-cmd", "--quiet", "--zone=trusted", `--add-source=${wish.clusterCidr}`]);
  }
  return commands;
}

/** Commands that take our exceptions away again. */
export function planFirewallRemoval(wish: FirewallWish, view: FirewallView): (readonly string[])[] {
  const commands: (readonly string[])[] = [];
  for (const chain of ["DOCKER-USER", "FORWARD"]) {
    for (const direction of ["-s", "-d"] as const) {
      if (view.rules !== undefined && hasRule(view.rules, chain, wish, direction)) {
        commands.push(["iptables", "-w", "-D", chain, ...acceptRule(wish, direction)]);
      }
    }
  }
  if (view.trustedSources?.split(/\s+/).includes(wish.clusterCidr)) {
    commands.push(["firewall-cmd", "--quiet", "--zone=trusted", `--remove-source=${wish.clusterCidr}`]);
  }
  return commands;
}

/** Where an accept has to go: undefined when FORWARD lets everything pass. */
function forwardChain(rules: string | undefined): "DOCKER-USER" | "FORWARD" | undefined {
  if (rules === undefined) return undefined;
  // Docker keeps this chain in front of its own and leaves its content to others.
  if (/^-N DOCKER-USER$/m.test(rules)) return "DOCKER-USER";
  const drops = /^-P FORWARD (DROP|REJECT)$/m.test(rules) || /^-A FORWARD .*-j (DROP|REJECT)\b/m.test(rules);
  return drops ? "FORWARD" : undefined;
}

function acceptRule(wish: FirewallWish, direction: "-s" | "-d"): string[] {
  return [direction, wish.clusterCidr, "-m", "comment", "--comment", wish.comment, "-j", "ACCEPT"];
}

function hasRule(rules: string, chain: string, wish: FirewallWish, direction: "-s" | "-d"): boolean {
  return rules.split("\n").some((line) =>
    line.startsWith(`-A ${chain} ${direction} ${wish.clusterCidr} `) &&
    (line.includes(`--comment ${wish.comment} `) || line.includes(`--comment "${wish.comment}" `))
  );
}

/**
 * The address that other nodes reach this one by. One that was given stays. One that was found is kept for as long as the host has it, and
 * replaced when it has gone and another one is there (DHCP, a moved machine): a host that has lost its network for a moment keeps its name.
 */
import { getLogger } from "log";
import { type Clock, sleep } from "../../lib/seams/clock.ts";
import { nodeAddressCheckMs } from "../../lib/limits.ts";
import { cidrHas, parseCidr, parseIpv4 } from "../network/ipv4.ts";

export interface NodeAddress {
  current(): string;
  /** Calls back after each change. */
  onChange(changed: () => void): void;
  /** Looks now and then until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface HostAddress {
  readonly link: string;
  readonly ip: string;
}

export interface AddressOptions {
  readonly found: string;
  /** Ranges that are the cluster's own: pods' gateways and the DNS server's address are no addresses of the node. */
  readonly notIn: readonly string[];
  readonly clock: Clock;
  /** All IPv4 addresses of the host. */
  readonly addresses: () => readonly HostAddress[];
  /** The link of the default route. */
  readonly defaultLink: () => Promise<string | undefined>;
}

export function fixedAddress(ip: string): NodeAddress {
  return { current: () => ip, onChange() {}, run: async () => {} };
}

/** The address from now on. Pure. `link`: of the default route. */
export function nextAddress(
  current: string,
  addresses: readonly HostAddress[],
  { link, notIn }: { link: string | undefined; notIn: readonly string[] },
): string {
  if (link === undefined || addresses.some(({ ip }) => ip === current)) return current;
  const ranges = [...notIn, "127.0.0.0/8", "169.254.0.0/16"].map(parseCidr);
  const usable = addresses.find((one) =>
    one.link === link && !ranges.some((range) => cidrHas(range, parseIpv4(one.ip)))
  );
  return usable?.ip ?? current;
}

export function foundAddress(options: AddressOptions): NodeAddress {
  const { clock, notIn } = options;
  const logger = getLogger(["sauropod", "agent", "node"]);
  const listeners: (() => void)[] = [];
  let current = options.found;
  const look = async () => {
    const addresses = options.addresses();
    if (addresses.some(({ ip }) => ip === current)) return;
    const next = nextAddress(current, addresses, { link: await options.defaultLink(), notIn });
    if (next === current) return;
    logger.warn("this host has no longer the address {current}: the node's is {next} from now on", { current, next });
    current = next;
    for (const changed of listeners) changed();
  };
  return {
    current: () => current,
    onChange: (changed) => void listeners.push(changed),
    async run(signal) {
      while (!signal.aborted) {
        await sleep(clock, nodeAddressCheckMs, signal);
        if (signal.aborted) return;
        await look().catch((error) => logger.warn("address of this host: {error}", { error: String(error) }));
      }
    },
  };
}

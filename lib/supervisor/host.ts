/** What this host is called and where it is reached, when no flag says so. */
import { type Processes } from "../seams/process.ts";

/** The host's name as a node name: lower case, and only what a DNS subdomain may have (RFC 1123). */
export function nodeNameOf(hostname: string): string {
  const name = hostname.toLowerCase().replaceAll(/[^a-z0-9.-]+/g, "-").replaceAll(/^[^a-z0-9]+|[^a-z0-9]+$/g, "").slice(
    0,
    63,
  );
  return name === "" ? "localhost" : name;
}

interface Interface {
  name: string;
  family: string;
  address: string;
}

/** The IPv4 address to reach this host by: that of the default route's interface, otherwise the first that is not loopback. Pure. */
export function pickAddress(
  interfaces: readonly Interface[],
  defaultInterface: string | undefined,
): string | undefined {
  const usable = interfaces.filter((i) =>
    // Addresses of Services and DNS servers may be on loopback.
    i.family === "IPv4" && i.name !== "lo" && !i.address.startsWith("127.") && !i.address.startsWith("169.254.")
  );
  return (usable.find((i) => i.name === defaultInterface) ?? usable[0])?.address;
}

/** The interface of the default route, when there is one. */
export async function defaultLink(processes: Processes): Promise<string | undefined> {
  const { stdout } = await processes.run(["ip", "-4", "route", "show", "default"]);
  return /\bdev (\S+)/.exec(stdout)?.[1];
}

/** Throws when the host has no address but loopback. */
export async function hostAddress(processes: Processes): Promise<string> {
  const address = pickAddress(Deno.networkInterfaces(), await defaultLink(processes));
  if (address === undefined) {
    throw new Error(
      "this host has no IPv4 address but loopback: say which one to use with --node-ip and --advertise-address",
    );
  }
  return address;
}

/** Is the host being shut down? Only systemd can tell; elsewhere the answer is no. */
export async function hostStops(processes: Processes): Promise<boolean> {
  try {
    return (await processes.run(["systemctl", "is-system-running"])).stdout.trim() === "stopping";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

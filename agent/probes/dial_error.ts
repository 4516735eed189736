/** Why a connection failed, in the words that people know from Kubernetes' events. Pure. */

const words: Record<string, string> = {
  ECONNREFUSED: "connect: connection refused",
  EHOSTUNREACH: "connect: no route to host",
  ENETUNREACH: "connect: network is unreachable",
  ETIMEDOUT: "connect: connection timed out",
};

export function dialError(error: unknown, address: string): string {
  const { code, message } = error as { code?: string; message?: string };
  if (code !== undefined && words[code] !== undefined) return `dial tcp ${address}: ${words[code]}`;
  if (code === "ECONNRESET") return `read tcp ${address}: read: connection reset by peer`;
  return message ?? String(error);
}

/** The certificates that a TLS server shows, before anything of them is trusted: for who compares them with a hash that it knows. */
import tls, { type DetailedPeerCertificate } from "node:tls";

/** A chain longer than this is not looked at to its end. */
const chainMax = 8;

/** DER, the server's own first. Nothing was verified. Rejects when nobody answers in TLS within `timeoutMs`. */
export function peerChain(server: string, timeoutMs: number): Promise<Uint8Array[]> {
  const { hostname, port } = new URL(server);
  const host = hostname.replace(/^\[|\]$/g, "");
  return new Promise((resolve, reject) => {
    // Whom we speak to is decided by the caller, from the certificates; nothing is sent before.
    const socket = tls.connect({
      host,
      port: Number(port || 443),
      rejectUnauthorized: false,
      ALPNProtocols: ["http/1.1"],
    });
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    socket.once("error", reject);
    socket.once("close", () => reject(new Error("the connection was closed")));
    socket.once("secureConnect", () => {
      const chain: Uint8Array[] = [];
      let at: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
      while (at?.raw !== undefined && chain.length < chainMax) {
        chain.push(new Uint8Array(at.raw));
        at = at.issuerCertificate === at ? undefined : at.issuerCertificate;
      }
      resolve(chain);
      socket.destroy();
    });
  });
}

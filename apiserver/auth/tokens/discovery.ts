/** How others check the cluster's tokens: OpenID Connect Discovery 1.0, as far as tokens need it (pkg/serviceaccount/openidmetadata.go). */
import type { TokenKeys } from "./jwt.ts";

export const configurationPath = "/.well-known/openid-configuration";
export const keySetPath = "/openid/v1/jwks";

export interface IssuerDocuments {
  configuration(): Response;
  keySet(): Response;
}

/** `address`: `https://host:port` at which others reach the keys. */
export function issuerDocuments(
  keys: TokenKeys,
  { issuer, address }: { issuer: string; address: string },
): IssuerDocuments {
  const configuration = JSON.stringify({
    issuer,
    jwks_uri: `${address}${keySetPath}`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256"],
  });
  const keySet = JSON.stringify(keys.keySet());
  const answer = (body: string, type: string) =>
    new Response(body, { headers: { "content-type": type, "cache-control": "public, max-age=3600" } });
  return {
    configuration: () => answer(configuration, "application/json"),
    keySet: () => answer(keySet, "application/jwk-set+json"),
  };
}

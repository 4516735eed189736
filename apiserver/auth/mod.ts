/** Who is asked, in this order: for who it is, and for what they may do. */
import { tokenNamespace } from "../../lib/join/bootstrap_token.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Random } from "../../lib/seams/random.ts";
import type { Secret, ServiceAccount } from "../../lib/types/core_v1.ts";
import type { Permissions } from "../admission/permissions.ts";
import type { Cache } from "../cache/cache.ts";
import { type Authenticator, clientCertificates, staticToken } from "./authenticate.ts";
import { type Authorizer, masters } from "./authorize.ts";
import { bootstrapTokens } from "./bootstrap_token.ts";
import { nodeAuthorizer } from "./node_authorizer.ts";
import { createNodeObjects } from "./node_objects.ts";
import { permissionsOf } from "./permissions.ts";
import { proxyAuthorizer } from "./proxy_authorizer.ts";
import { rbacAuthorizer } from "./rbac/authorizer.ts";
import { createRbacView } from "./rbac/view.ts";
import type { Review } from "../rest/rest.ts";
import { authReviews } from "./reviews/mod.ts";
import { accountTokens } from "./tokens/authenticator.ts";
import { legacyClaims } from "./tokens/claims.ts";
import { type IssuerDocuments, issuerDocuments } from "./tokens/discovery.ts";
import { TokenKeys } from "./tokens/jwt.ts";
import { createTokenObjects } from "./tokens/objects.ts";
import { tokenRequest } from "./tokens/token_request.ts";

export interface AuthOptions {
  adminToken: string;
  /** Started. */
  cache: Cache;
  /** The resources that it knows. */
  storages: readonly string[];
  clock: Pick<Clock, "now">;
  random: Random;
  /** PEM, one key or several: the first signs service accounts' tokens. */
  tokenKeys: string;
  /** `cluster.local`: names the issuer of tokens. */
  clusterDomain: string;
  /** `https://host:port` at which others reach this server. */
  address: string;
  /** Told of each request with a client certificate: how many seconds it is good. */
  onCertificate?: (secondsLeft: number) => void;
}

export interface Auth {
  readonly authenticators: readonly Authenticator[];
  readonly authorizers: readonly Authorizer[];
  /** What admission asks of authorisation. */
  readonly permissions: Permissions;
  readonly reviews: readonly Review[];
  readonly issuer: IssuerDocuments;
  /** The token that a Secret holds for an account. */
  legacyToken(account: ServiceAccount, secret: { name: string }): string;
  /** Ids of the keys that tokens are signed with. */
  readonly tokenKeyIds: readonly string[];
}

export function createAuth(options: AuthOptions): Auth {
  const { adminToken, cache, storages, clock, random } = options;
  const secret = (name: string) =>
    storages.includes("secrets")
      ? cache.resource("secrets").get(`${tokenNamespace}/${name}`)?.object as unknown as Secret | undefined
      : undefined;
  const rbac = createRbacView(cache, storages);
  const keys = new TokenKeys(options.tokenKeys);
  const objects = createTokenObjects(cache, storages);
  const issuer = `https://kubernetes.default.svc.${options.clusterDomain}`;
  const tokens = { keys, objects, issuer, audience: issuer, clock, random };
  const authenticators = [
    clientCertificates({ clock, onUse: options.onCertificate }),
    staticToken(adminToken),
    bootstrapTokens({ secret, clock }),
    accountTokens(tokens),
  ];
  const authorizers = [
    masters,
    nodeAuthorizer(createNodeObjects(cache, storages)),
    proxyAuthorizer,
    rbacAuthorizer(rbac),
  ];
  return {
    authenticators,
    authorizers,
    permissions: permissionsOf(authorizers, rbac),
    reviews: [...authReviews({ authenticators, authorizers, audience: issuer }), tokenRequest(tokens)],
    issuer: issuerDocuments(keys, { issuer, address: options.address }),
    tokenKeyIds: keys.ids,
    legacyToken: (account, { name }) => keys.sign(legacyClaims(account, { name })),
  };
}

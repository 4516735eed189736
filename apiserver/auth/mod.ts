/** Who is asked, in this order: for who it is, and for what they may do. */
import { tokenNamespace } from "../../lib/join/bootstrap_token.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Secret } from "../../lib/types/core_v1.ts";
import type { Cache } from "../cache/cache.ts";
import { type Authenticator, clientCertificate, staticToken } from "./authenticate.ts";
import { type Authorizer, masters, policies } from "./authorize.ts";
import { bootstrapTokens } from "./bootstrap_token.ts";
import { componentPolicies } from "./component_policy.ts";
import { nodeAuthorizer } from "./node_authorizer.ts";
import { createNodeObjects } from "./node_objects.ts";
import { proxyAuthorizer } from "./proxy_authorizer.ts";

export interface AuthOptions {
  adminToken: string;
  /** Started. */
  cache: Cache;
  /** The resources that it knows. */
  storages: readonly string[];
  clock: Pick<Clock, "now">;
}

export interface Auth {
  readonly authenticators: readonly Authenticator[];
  readonly authorizers: readonly Authorizer[];
}

export function createAuth({ adminToken, cache, storages, clock }: AuthOptions): Auth {
  const secret = (name: string) =>
    storages.includes("secrets")
      ? cache.resource("secrets").get(`${tokenNamespace}/${name}`)?.object as unknown as Secret | undefined
      : undefined;
  return {
    authenticators: [clientCertificate, staticToken(adminToken), bootstrapTokens({ secret, clock })],
    authorizers: [
      masters,
      nodeAuthorizer(createNodeObjects(cache, storages)),
      proxyAuthorizer,
      policies(componentPolicies),
    ],
  };
}

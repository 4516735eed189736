/** Who is asked, in this order: for who it is, and for what they may do. */
import { tokenNamespace } from "../../lib/join/bootstrap_token.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import type { Secret } from "../../lib/types/core_v1.ts";
import type { Permissions } from "../admission/permissions.ts";
import type { Cache } from "../cache/cache.ts";
import { type Authenticator, clientCertificate, staticToken } from "./authenticate.ts";
import { type Authorizer, masters } from "./authorize.ts";
import { bootstrapTokens } from "./bootstrap_token.ts";
import { nodeAuthorizer } from "./node_authorizer.ts";
import { createNodeObjects } from "./node_objects.ts";
import { permissionsOf } from "./permissions.ts";
import { proxyAuthorizer } from "./proxy_authorizer.ts";
import { rbacAuthorizer } from "./rbac/authorizer.ts";
import { createRbacView } from "./rbac/view.ts";

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
  /** What admission asks of authorisation. */
  readonly permissions: Permissions;
}

export function createAuth({ adminToken, cache, storages, clock }: AuthOptions): Auth {
  const secret = (name: string) =>
    storages.includes("secrets")
      ? cache.resource("secrets").get(`${tokenNamespace}/${name}`)?.object as unknown as Secret | undefined
      : undefined;
  const rbac = createRbacView(cache, storages);
  const authorizers = [
    masters,
    nodeAuthorizer(createNodeObjects(cache, storages)),
    proxyAuthorizer,
    rbacAuthorizer(rbac),
  ];
  return {
    authenticators: [clientCertificate, staticToken(adminToken), bootstrapTokens({ secret, clock })],
    authorizers,
    permissions: permissionsOf(authorizers, rbac),
  };
}

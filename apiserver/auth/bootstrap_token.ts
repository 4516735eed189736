/**
 * Bootstrap tokens as bearer tokens (plugin/pkg/auth/authenticator/token/bootstrap). Looks in memory: a host that shows wrong tokens costs
 * the store nothing.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import { getLogger } from "log";
import {
  bootstrapGroup,
  isExpired,
  parseToken,
  readTokenSecret,
  tokenSecretName,
} from "../../lib/join/bootstrap_token.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import { statusError } from "../../lib/status.ts";
import type { Secret } from "../../lib/types/core_v1.ts";
import { type Authenticator, bearer } from "./authenticate.ts";
import { authenticated, type User } from "./user.ts";

/** Groups that a token may name (k8s.io/cluster-bootstrap/token/api, BootstrapGroupPattern). */
const extraGroup = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;
const logger = getLogger(["sauropod", "auth"]);

const digest = (text: string) => createHash("sha256").update(text).digest();

export interface BootstrapTokenOptions {
  /** A Secret of kube-system by its name, from memory. */
  secret(name: string): Secret | undefined;
  clock: Pick<Clock, "now">;
}

/**
 * A user `system:bootstrap:<id>` in the token's groups. Only who shows the right secret is told that its time is over; everybody else
 * gets the one answer that tells nothing.
 */
export function bootstrapTokens({ secret, clock }: BootstrapTokenOptions): Authenticator {
  return {
    name: "bootstrap token",
    authenticate({ headers }): User | undefined {
      const given = parseToken(bearer(headers) ?? "");
      if (given === undefined) return undefined;
      const found = secret(tokenSecretName(given.id));
      const record = found && found.metadata.deletionTimestamp === undefined ? readTokenSecret(found) : undefined;
      // A token that is not there takes the time of one that is.
      const same = timingSafeEqual(digest(given.secret), digest(record?.token.secret ?? ""));
      if (record === undefined || !same) return undefined;
      const no = (why: string) => statusError("Unauthorized", `bootstrap token ${given.id} ${why}`);
      if (isExpired(record, clock.now())) {
        const { expiresAt } = record;
        const at = Number.isFinite(expiresAt) ? ` at ${new Date(expiresAt!).toISOString()}` : "";
        throw no(`has expired${at}`);
      }
      if (!record.authenticates) throw no("is not for authentication (usage-bootstrap-authentication)");
      const wrong = record.extraGroups.find((group) => !extraGroup.test(group));
      if (wrong !== undefined) {
        logger.warn("bootstrap token {id}: no valid group: {group}", { id: given.id, group: wrong });
        throw no("names a group that does not begin with system:bootstrappers:");
      }
      return authenticated(`system:bootstrap:${given.id}`, [bootstrapGroup, ...record.extraGroups]);
    },
  };
}

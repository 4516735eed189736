/** What keeps one client from being everybody's trouble, and tells who did what: flow control and the audit log, made from the flags. */
import { getLogger } from "log";
import type { Client } from "../lib/client/client.ts";
import { FlagError } from "../lib/flags.ts";
import type { Clock } from "../lib/seams/clock.ts";
import { readText } from "../lib/seams/files.ts";
import { RotatedFile, standardOutput } from "../lib/seams/rotated_file.ts";
import { Audit } from "./audit/audit.ts";
import { AuditLog, type LineSink } from "./audit/log.ts";
import { AuditPolicyError, parseAuditPolicy } from "./audit/policy.ts";
import type { Cache } from "./cache/cache.ts";
import type { ApiserverConfig } from "./config.ts";
import { FlowControl } from "./flow/flow_control.ts";
import { followFlowObjects } from "./flow/follow.ts";
import { ensureFlowObjects, maintainFlowObjects } from "./flow/maintain.ts";
import type { CountObjects } from "./flow/work.ts";

const logger = getLogger(["sauropod", "apiserver"]);

export interface Protection {
  readonly flow: { control: FlowControl; count: CountObjects };
  /** Absent: no policy, or nowhere to write to. */
  readonly audit: Audit | undefined;
  /** Makes the objects that every cluster has, then looks after them until the signal aborts. Needs a client that may do everything. */
  start(client: Client, signal: AbortSignal): Promise<{ ended: Promise<void> }>;
}

export interface ProtectionParts {
  config: ApiserverConfig;
  /** Started. */
  cache: Cache;
  /** The resources that it knows. */
  storages: readonly string[];
  clock: Clock;
}

/** Throws FlagError. */
export async function createProtection({ config, cache, storages, clock }: ProtectionParts): Promise<Protection> {
  const seats = config["max-requests-inflight"] + config["max-mutating-requests-inflight"];
  const control = new FlowControl({ clock, seats });
  return {
    flow: { control, count: counter(cache, storages) },
    audit: await openAudit(config, clock),
    async start(client, signal) {
      await ensureFlowObjects(client, clock);
      const { wake, ended } = maintainFlowObjects({ client, clock, signal });
      const stops = [followFlowObjects({ cache, declared: storages, flow: control, onChange: wake }), control.start()];
      signal.addEventListener("abort", () => stops.forEach((stop) => stop()), { once: true });
      return { ended };
    },
  };
}

/** A list reads the snapshot anyway: looking at its length costs nothing more. */
function counter(cache: Cache, storages: readonly string[]): CountObjects {
  const known = new Set(storages);
  return (group, resource) => {
    const storage = group === "" ? resource : `${group}/${resource}`;
    return known.has(storage) ? cache.resource(storage).snapshot().entries().length : 0;
  };
}

/** What is wrong with the policy, or with the place, is said before anything is served. */
async function openAudit(config: ApiserverConfig, clock: Clock): Promise<Audit | undefined> {
  const { "audit-policy-file": file, "audit-log-path": path } = config;
  const policy = file === undefined ? undefined : await readPolicy(file);
  if (policy === undefined || path === undefined) {
    if (path !== undefined) logger.warn("--audit-log-path without --audit-policy-file: no audit events are written");
    if (policy !== undefined) logger.warn("--audit-policy-file without --audit-log-path: no audit events are written");
    return undefined;
  }
  return new Audit(policy, new AuditLog(path === "-" ? standardOutput : await openFile(path, config, clock)), clock);
}

async function readPolicy(file: string) {
  let text: string | undefined;
  try {
    text = await readText(file);
  } catch (error) {
    throw new FlagError(`--audit-policy-file ${file}: ${(error as Error).message}`);
  }
  if (text === undefined) throw new FlagError(`--audit-policy-file ${file}: there is no such file`);
  try {
    return parseAuditPolicy(text);
  } catch (error) {
    if (error instanceof AuditPolicyError) throw new FlagError(`--audit-policy-file ${file}: ${error.message}`);
    throw error;
  }
}

const dayMs = 24 * 3_600_000;

async function openFile(path: string, config: ApiserverConfig, clock: Clock): Promise<LineSink> {
  const rotated = new RotatedFile(path, {
    bytesMax: config["audit-log-maxsize"] * 2 ** 20,
    filesMax: config["audit-log-maxbackup"],
    ageMsMax: config["audit-log-maxage"] * dayMs,
  }, () => clock.now());
  try {
    await rotated.open();
  } catch (error) {
    throw new FlagError(`--audit-log-path ${path}: ${(error as Error).message}`);
  }
  return rotated;
}

/**
 * The encryption configuration as a file: the one that the settings name, or one of our own that encrypts Secrets with a key made at
 * first start. It is looked at again from time to time, so that keys are rotated without a restart.
 */
import { Buffer } from "node:buffer";
import { getLogger } from "log";
import { encryptionFileCheckMs } from "../../../lib/limits.ts";
import { type Clock, type Instant, sleep } from "../../../lib/seams/clock.ts";
import { readText, writeAtomic } from "../../../lib/seams/files.ts";
import type { Random } from "../../../lib/seams/random.ts";
import { EncryptingCodec } from "./codec.ts";
import { type EncryptionRule, parseEncryptionConfiguration } from "./configuration.ts";

const logger = getLogger(["sauropod", "encryption"]);

export interface EncryptionFile {
  readonly path: string;
  /** It is our own: made when it is not there. */
  readonly own: boolean;
}

/** How often, and when last. */
interface Occurrences {
  count: number;
  at?: Instant;
}

/** Changes of the file that were taken up, and those that were refused. */
export type Reloads = Readonly<Record<"success" | "failure", Readonly<Occurrences>>>;

export interface Encryption {
  readonly reloads: Reloads;
  readonly codec: EncryptingCodec;
  /** The file was not there and was made now. */
  readonly created: boolean;
  /** Takes up changes of the file until the signal aborts. Never rejects. */
  follow(options: FollowOptions): Promise<void>;
}

export interface FollowOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** What these rules could not read of what is stored now, for people; undefined when that is nothing. */
  lost(rules: readonly EncryptionRule[]): string | undefined;
  /** Other rules are in use: what could not be read may be readable. */
  changed(): void;
}

/** Throws an Error that names the file and what is wrong with it. */
export async function openEncryption(file: EncryptionFile, random: Random): Promise<Encryption> {
  let text = await readText(file.path);
  const created = text === undefined;
  if (text === undefined) {
    if (!file.own) throw new Error(`--encryption-provider-config: there is no file ${file.path}`);
    await Deno.mkdir(file.path.replace(/\/[^/]*$/, ""), { recursive: true, mode: 0o700 });
    await writeAtomic(file.path, text = ownConfiguration(random));
  }
  const codec = new EncryptingCodec(rulesOf(file.path, text), random);
  let current = text;
  const reloads = { success: { count: 0 } as Occurrences, failure: { count: 0 } as Occurrences };
  return {
    codec,
    reloads,
    created,
    async follow(options) {
      const { clock, signal } = options;
      // Told once per text and reason. Asked at every look: what is in the way may be written again by then.
      let told = "";
      while (!signal.aborted) {
        await sleep(clock, encryptionFileCheckMs, signal);
        if (signal.aborted) return;
        const now = await readText(file.path).catch((error) => `${error}`) ?? "";
        if (now === current) continue;
        const why = take(codec, file.path, now, options);
        if (why === undefined) current = now;
        else if (told === now + why) continue;
        else logger.error("the encryption configuration stays as it was: {why}", { why });
        told = now + (why ?? "");
        const outcome = reloads[why === undefined ? "success" : "failure"];
        outcome.count++;
        outcome.at = clock.now();
      }
    },
  };
}

function rulesOf(path: string, text: string): readonly EncryptionRule[] {
  try {
    return parseEncryptionConfiguration(text);
  } catch (error) {
    throw new Error(`encryption configuration ${path}: ${(error as Error).message}`);
  }
}

/** Puts another text of the file to use. Answers why not. */
function take(codec: EncryptingCodec, path: string, text: string, options: FollowOptions): string | undefined {
  try {
    const rules = rulesOf(path, text);
    const lost = options.lost(rules);
    if (lost !== undefined) return `${path}: ${lost}`;
    codec.use(rules);
    logger.info("{path} was changed and is in use", { path });
    options.changed();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What is found unencrypted, from before there was a key, is read. The name tells keys of different clusters apart. */
function ownConfiguration(random: Random): string {
  const secret = Buffer.from(random.bytes(32)).toString("base64");
  const name = `key-${Buffer.from(random.bytes(4)).toString("hex")}`;
  return `# Encrypts Secrets in Redis. Without these keys they can't be read: keep a copy where you keep that of pki/ca.key.
# Changes are taken up while the API server runs. To replace a key, put a new one before it, then write all Secrets again:
#   kubectl get secrets -A -o json | kubectl replace -f -
# and then remove the old one.
apiVersion: apiserver.config.k8s.io/v1
kind: EncryptionConfiguration
resources:
  - resources:
      - secrets
    providers:
      - aesgcm:
          keys:
            - name: ${name}
              secret: ${secret}
      - identity: {}
`;
}

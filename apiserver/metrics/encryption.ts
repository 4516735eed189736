/** What became of the encryption configuration (k8s.io/apiserver/pkg/server/options/encryptionconfig/metrics), and what nobody can read. */
import { Counter, Gauge, type Registry } from "prom-client";
import type { Reloads } from "../storage/encryption/file.ts";

export interface EncryptionSampled {
  /** How often the file was taken up and refused. */
  reloads(): Reloads;
  /** Objects that can't be read, by resource. */
  unreadable(): Iterable<[resource: string, count: number]>;
  /** Objects that are stored in another way than they would be written now. */
  stale(): Iterable<[resource: string, count: number]>;
}

export function encryptionMetrics(registers: Registry[], sampled: EncryptionSampled): void {
  const prefix = "apiserver_encryption_config_controller_automatic_reload";
  new Counter({
    name: `${prefix}s_total`,
    help: "Changes of the encryption configuration that were taken up, and that were refused.",
    labelNames: ["status"],
    registers,
    collect() {
      this.reset();
      for (const [status, { count }] of Object.entries(sampled.reloads())) this.inc({ status }, count);
    },
  });
  new Gauge({
    name: `${prefix}_last_timestamp_seconds`,
    help: "When the encryption configuration was last taken up, and refused, in seconds since 1970.",
    labelNames: ["status"],
    registers,
    collect() {
      for (const [status, { at }] of Object.entries(sampled.reloads())) {
        if (at !== undefined) this.set({ status }, at / 1000);
      }
    },
  });
  byResource(registers, "sauropod_storage_unreadable_objects", {
    help: "Stored objects whose key for encryption is not there.",
    counts: () => sampled.unreadable(),
  });
  byResource(registers, "sauropod_storage_stale_objects", {
    help: "Stored objects that are encrypted with another key than they would be now, or are not.",
    counts: () => sampled.stale(),
  });
}

function byResource(
  registers: Registry[],
  name: string,
  { help, counts }: { help: string; counts(): Iterable<[resource: string, count: number]> },
): void {
  new Gauge({
    name,
    help,
    labelNames: ["resource"],
    registers,
    collect() {
      this.reset();
      for (const [resource, count] of counts()) if (count > 0) this.set({ resource }, count);
    },
  });
}

/** The API server's settings. */
import { autoscalerFlags } from "../lib/autoscaler_flags.ts";
import { address, cidr, duration, port, portRange, text } from "../lib/flags.ts";
import type { Values } from "../lib/flags.ts";
import { nodeGraceMs, nodeGraceRangeMs } from "../lib/limits.ts";
import { logFlags } from "../lib/log.ts";
import { protectionFlags } from "../lib/protection_flags.ts";
import { runtimeConfig } from "../lib/runtime_config.ts";

export const apiserverFlags = {
  "data-dir": text("where state lives", "DIR", "/var/lib/sauropod"),
  "bind-address": address("address to listen on", "0.0.0.0"),
  port: port("port of the API", 6443),
  "advertise-address": address("address at which other hosts reach the API; default: that of the default route"),
  redis: text(
    "an existing Redis: redis://, rediss://, redis+sentinel:// or unix:; default: a redis-server of our own",
    "URL",
  ),
  "encryption-provider-config": text(
    "an EncryptionConfiguration; default: Secrets are encrypted with a key in the data directory",
    "FILE",
  ),
  "node-name": text("name of the node on this host, whose credentials are made; default: none", "NAME"),
  "node-ip": address("address of the node on this host"),
  "cluster-cidr": cidr("range of pod addresses", "10.244.0.0/16", 24),
  "service-cidr": cidr("range of Service addresses", "10.96.0.0/16", 28),
  "cluster-dns": address("address of the cluster's DNS, told to hosts that join", "10.96.0.10"),
  "cluster-domain": text("domain of Service names", "DOMAIN", "cluster.local"),
  "node-port-range": portRange("ports for NodePort Services", { from: 30000, to: 32767 }),
  "runtime-config": runtimeConfig("turns parts of the API on and off: api/all=false,apps/v1=true"),
  "node-monitor-grace": duration(
    "how long a node may be silent before its state counts as unknown",
    nodeGraceMs,
    nodeGraceRangeMs,
  ),
  ...protectionFlags,
  ...autoscalerFlags,
  ...logFlags,
};

export type ApiserverConfig = Values<typeof apiserverFlags>;

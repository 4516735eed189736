/**
 * Figures of peers that are not on every machine: medians of quiet runs on two shared cores (x86-64, Debian 12), client and server on the
 * same machine, TLS, HTTP/1.1 with JSON, every write synced: kube-apiserver 1.36 with etcd 3.5, kube-scheduler 1.36, kube-proxy 1.36
 * (nftables). Marked with * in the table: a machine of another speed shifts them.
 */
import type { Peer } from "./report.ts";

const peer = (name: string, value: number): Peer => ({ name, value, here: false });

/** By number of clients. Per second. */
export const kubeCreateConfigMap = new Map([[1, 621], [16, 1_691], [64, 2_229]]);
export const kubeCreatePod = new Map([[1, 547], [16, 1_180], [64, 1_328]]);
export const kubeGetPod16 = peer("kube-apiserver", 3_344);
/** ms */
export const kubeList10000 = peer("kube-apiserver", 372);
export const kubePage500 = peer("kube-apiserver", 29);
/** ms at the 99th percentile, by number of watchers, 50 writes a second. */
export const kubeWatchP99 = new Map([[100, 13], [1_000, 120]]);
export const kubeStartMs = peer("kube-apiserver + etcd", 2_800);
/** MiB, before any node: etcd, kube-apiserver, controller-manager, scheduler. */
export const kubeIdleMiB = peer("Kubernetes' control plane", 514);
/** Pods per second, its client limits raised (51 with its defaults). */
export const kubeSchedulerPods = peer("kube-scheduler, limits raised", 437);
/** ms, by number of Services with 5 endpoints each. */
export const kubeProxyFullMs = new Map([[1_000, 1_200], [10_000, 33_000]]);
export const kubeProxyChangeMs = new Map([[1_000, 232], [10_000, 4_500]]);

export const kubeApiserver = (value: number) => peer("kube-apiserver", value);
export const kubeProxy = (value: number | undefined) => value === undefined ? undefined : peer("kube-proxy", value);

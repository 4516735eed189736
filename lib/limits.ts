/** Every limit of the project, named with its unit. A section for each room; add to yours. */

// apiserver/storage

/**
 * How many changes each history keeps at least (Redis trims whole nodes). A reader that falls behind by more lists anew:
 * at the highest measured write rate this is some seconds, in a quiet cluster days.
 */
export const historyEntriesMax = { main: 32_768, lease: 4_096, event: 4_096 } as const;
/** How many bytes of Redis memory each history may take; checked every `historyCheckBytes` of writing. */
export const historyBytesMax = { main: 32 * 2 ** 20, lease: 2 * 2 ** 20, event: 8 * 2 ** 20 } as const;
export const historyCheckBytes = 4 * 2 ** 20;
/** A command that Redis has not answered by then fails, and its connection is made anew. */
export const storeCommandTimeoutMs = 5_000;
/** Listing a resource may move a hundred megabytes. */
export const storeListTimeoutMs = 30_000;
/** How long a command waits for a connection that is being made: bridges a restart of Redis or a failover. */
export const storeConnectWaitMs = 3_000;
/** Commands that wait for a connection, and those sent and unanswered; more are refused at once. */
export const storePendingMax = 4_096;
/** Between attempts to connect: doubles from the first to the second. */
export const storeReconnectMinMs = 50;
export const storeReconnectMaxMs = 1_000;
/**
 * By how much revisions jump when data was lost and a new epoch begins: above everything that any API server, however
 * little this one has heard of late, can have told its clients.
 */
export const storeEpochGap = 1_000_000;
/** How long a write waits for the replicas' acknowledgement, where that was asked for. */
export const storeReplicasTimeoutMs = 2_000;
/** An embedded Redis answers within this time, or its start has failed; long, because it may load gigabytes. */
export const embeddedStartTimeoutMs = 60_000;
/** Its socket is there, loading or not, within this time. */
export const embeddedBindTimeoutMs = 5_000;
export const embeddedStopTimeoutMs = 10_000;
/** Between restarts of an embedded Redis that dies: doubles from the first to the second; after the third it starts over. */
export const embeddedRestartMinMs = 100;
export const embeddedRestartMaxMs = 5_000;
export const embeddedStableMs = 60_000;
/** The embedded Redis' own log is cut when it has grown beyond this at a start. */
export const embeddedLogBytesMax = 2 ** 20;
/** A unix socket's path (sun_path is 108 bytes with its final zero). */
export const unixSocketPathBytesMax = 107;

/** The encryption configuration's file is looked at again after this. */
export const encryptionFileCheckMs = 5_000;

// apiserver (several of them on one Redis)

/** How often an API server says that it is there, and for how long it is believed (kube-apiserver's endpoints: 10 s, 15 s). */
export const presenceRenewMs = 5_000;
export const presenceLeaseSeconds = 15;
/** The Lease of one that never came back is removed (kube-apiserver's identity lease: 1 h). */
export const presenceForgetMs = 3_600_000;

// apiserver/cache

/** Changes that the reader takes at a time from each history. */
export const cacheReadChangesMax = 500;
/**
 * Past events of one resource that a watch or a page can go back to: the first that is exceeded ends the window. By age as
 * etcd under kube-apiserver (compacted every 5 min), but twice that, and never below a minimum of events.
 */
export const watchWindowEventsMax = 8_192;
export const watchWindowBytesMax = 16 * 2 ** 20;
export const watchWindowAgeMs = 10 * 60_000;
export const watchWindowEventsMin = 100;
/** Characters of objects that are kept parsed: about 20 MB, 1,500 Pods. */
export const cacheParsedCharactersMax = 4 * 2 ** 20;
/** Snapshots of the past that are kept per resource, for lists in pages. */
export const cacheSnapshotsMax = 4;
/** The cache asks the store at least this often, so that a lost wake-up delays nothing for longer. */
export const cachePollMs = 5_000;
/** So long after its start, or later, a process lets go of what that took: once it uses less than this of a processor. */
export const startGarbageMs = 8_000;
export const startGarbageBusy = 0.1;
/** How long a read waits for the cache to have a revision (Kubernetes: 3 s, "Too large resource version"). */
export const cacheReachedTimeoutMs = 3_000;
/** Reads that wait for a revision; more are refused at once. */
export const cacheWaitingMax = 16_384;
/** Between attempts to read a store that can't be read: doubles from the first to the second. */
export const cacheRetryMinMs = 50;
export const cacheRetryMaxMs = 2_000;
export const cacheProgressIntervalMs = 1_000;
/** Resources that are listed at the same time. */
export const cacheListsMax = 4;

// apiserver (server, filters, tunnel)

/** Requests in work at once: their sum is what flow control shares out (kube-apiserver's --max-requests-inflight and its like). */
export const readsInFlightMax = 400;
export const writesInFlightMax = 200;
/** A client that takes nothing of what it was sent for so long is cut off; asked this often. */
export const connectionStalledMs = 30_000;
export const connectionLookMs = 10_000;
/** Open connections; more are refused. */
export const connectionsMax = 20_000;
/** A client that takes longer to agree on a key is cut off. */
export const handshakeMs = 10_000;
/** A client that takes longer to send its headers is cut off (slow-loris). */
export const requestHeadersMs = 20_000;
/** A client that takes longer to send a whole request is cut off. */
export const requestMs = 60_000;
/** How long a kept connection may be idle. */
export const connectionIdleMs = 90_000;
export const requestHeaderBytesMax = 64 * 1024;
/** A node's agent answers an upgrade or a request within this. */
export const tunnelConnectMs = 15_000;
/** How long requests in work may take to end when the server stops. */
export const shutdownGraceMs = 10_000;
/** A request that took longer is logged at the level info. */
export const slowRequestMs = 1_000;
/** Between looks at the certificates. */
export const certificateCheckMs = 3_600_000;
/** The end of the certificate authority is warned of so long before, once a day. */
export const authorityWarnMs = 365 * 86_400_000;

// agent

/** Who asks the kubelet API, and what they may, is known for so long (kubelet: authentication.webhook, authorization.webhook). */
export const tokenKnownMs = 120_000;
export const accessAllowedMs = 300_000;
export const accessDeniedMs = 30_000;
/** Tokens and verdicts that are kept, and how large a question may be whose verdict is. */
export const accessUsersMax = 4_096;
export const accessVerdictsMax = 8_192;
export const accessVerdictBytesMax = 10_000;
/** Questions of each of the two kinds that wait for the API server, and for how long. */
export const accessReviewsMax = 64;
export const accessReviewTimeoutMs = 10_000;
/** Containers whose kernel files are read at once for /metrics/cadvisor. */
export const cadvisorReadsMax = 8;
/** Between attempts of a container that ends: doubles from the first to the second (kubelet: initialBackOff, maxContainerBackOff). */
export const crashBackoffMinMs = 10_000;
export const crashBackoffMaxMs = 300_000;
/** After running for this long a container's past failures are forgotten (flowcontrol.Backoff: twice the maximum). */
export const crashBackoffResetMs = 600_000;
/** Between attempts of what the agent does for a pod (sandbox, volumes, image pulls): doubles from the first to the second. */
export const podRetryMinMs = 1_000;
export const podRetryMaxMs = 120_000;
/** Between attempts to apply resources that a pod was granted, after the engine or the kernel has refused. */
export const resizeRetryMinMs = 10_000;
export const resizeRetryMaxMs = 60_000;
/** How often a node looks again whether there is room for a resize that it has deferred; it also does when room was made. */
export const resizeDeferredRetryMs = 180_000;
export const imagePullRetryMinMs = 10_000;
export const imagePullRetryMaxMs = 300_000;
/** What is left for SIGTERM when a preStop hook has used up the grace period (kubelet: minimumGracePeriodInSeconds). */
export const minimumGraceMs = 2_000;
/** A container that survives SIGKILL for this long gets it again. */
export const killRepeatMs = 10_000;
/** Bytes of a container's termination message, and of all those of a pod together (kubelet: MaxContainerTerminationMessageLength). */
export const terminationMessageBytesMax = 4_096;
export const podTerminationMessagesBytesMax = 12_288;
/** How much of a failed container's log may stand in for a termination message. */
export const terminationLogLinesMax = 80;
export const terminationLogBytesMax = 2_048;
/** All containers are inspected anew this often, in case an event of the engine's was lost. */
export const engineRelistMs = 300_000;
/** Inspections of one relist at the same time. */
export const engineInspectionsMax = 8;
/** Bytes of a probe's answer that are looked at or shown (kubelet: maxRespBodyLength, maxReadLength). */
export const probeOutputBytesMax = 10_240;
/** Redirects that an HTTP probe follows. */
export const probeRedirectsMax = 10;
/** Probes in flight on a node. */
export const probesInFlightMax = 64;
/** How long the API may take to say whether a configmap or secret exists before a pod is told that it is waited for. */
export const referenceTimeoutMs = 10_000;
/** Volumes of configmaps and secrets are written anew within this after a change. */
export const volumeRefreshMs = 500;
/** A node's conditions are told again after this, even if nothing has changed (kubelet: nodeStatusReportFrequency). */
export const nodeHeartbeatMs = 300_000;
export const nodeStatusCheckMs = 10_000;
export const nodeLeaseSeconds = 40;
export const nodeLeaseRenewMs = 10_000;
/** Images that a Node's status lists (kubelet: nodeStatusMaxImages). */
export const nodeImagesMax = 50;
/** A status that could not be written is tried again: doubles from the first to the second. */
export const statusRetryMinMs = 200;
export const statusRetryMaxMs = 5_000;

// apiserver/rest

/** A request's body, as kube-apiserver's limit on resource requests. */
export const bodyBytesMax = 3 * 2 ** 20;
/** A stored object, as etcd (1.5 MiB). */
export const objectBytesMax = 1.5 * 2 ** 20;
/** The data of a ConfigMap or a Secret (Kubernetes: MaxSecretSize). */
export const objectDataBytesMax = 2 ** 20;
/** All annotations of an object together (Kubernetes: TotalAnnotationSizeLimitB). */
export const annotationsBytesMax = 256 * 2 ** 10;
/** One warning, and all of an answer (k8s.io/apiserver/pkg/endpoints/filters/warning.go). */
export const warningBytesMax = 256;
export const warningsBytesMax = 4_096;
export const fieldManagerBytesMax = 128;
/** Attempts of a patch or an unconditional update that meet a conflict; with other writers at work each takes about 1 ms. */
export const writeAttemptsMax = 100;
/** Names that `generateName` tries, as Kubernetes: 8. */
export const generatedNamesMax = 8;
/** Attempts to pick an address or a port that nobody else takes first. */
export const allocationAttemptsMax = 16;
/** What a watcher may leave unread before it is cut off. */
export const watchBufferBytesMax = 4 * 2 ** 20;
/** While a watch is sent what there is it counts as a request in work, but not while its client takes longer than this to read. */
export const watchStartMsMax = 1_000;
/** A watch that gives no timeout lasts between this and twice this (kube-apiserver's --min-request-timeout: 30 min). */
export const watchTimeoutMinMs = 30 * 60_000;
export const bookmarkIntervalMs = 60_000;
/** A connection to the API on which nothing was heard for so long is given up: longer than between two bookmarks. */
export const apiSilenceMs = 90_000;
/** A heartbeat is answered within this, or counts as lost. */
export const heartbeatTimeoutMs = 10_000;
/** Encoded watch events that are kept for other watchers that will ask for the same; about 2,000 Pods. */
export const frameCacheBytesMax = 8 * 2 ** 20;
/** Bytes of a list or a replay that are put together before other requests get their turn (about 1 ms). */
export const answerChunkBytes = 512 * 2 ** 10;
/** Characters of objects that are parsed for a selector before other requests get their turn (about 5 ms). */
export const turnCharacters = 512 * 2 ** 10;
/** Answers from this size on are compressed for who can read it (kube-apiserver: 128 KiB, level 1). */
export const compressBytesMin = 128 * 2 ** 10;
export const compressLevel = 1;
/** Objects of one DELETE of a collection that are deleted at the same time. */
export const collectionDeletesMax = 16;
/** Continue tokens: a key and a revision; anything longer is not ours. */
export const continueTokenBytesMax = 4_096;

// apiserver/admission

/** How long the creation of a pod waits for its namespace's default ServiceAccount (Kubernetes: 10 × 100 to 200 ms). */
export const defaultServiceAccountWaitMs = 2_000;

// lib/schema, lib/patch, lib/apply

/** Nesting of JSON, YAML and protobuf: deep enough for any schema, shallow enough for recursion. */
export const jsonDepthMax = 512;
/** YAML aliases that one document may expand (the "billion laughs"). */
export const yamlAliasesMax = 100;
/** Values that one YAML document may come to, after its aliases are expanded. */
export const yamlNodesMax = 1_000_000;
/** Unknown and duplicate fields that one answer names. */
export const strictProblemsMax = 100;
/** Operations in one JSON patch, as Kubernetes' limit. */
export const jsonPatchOperationsMax = 10_000;
/** Values that `copy` operations of one JSON patch may add. */
export const jsonPatchCopiesBytesMax = 3 * 2 ** 20;
/** Nested messages in protobuf. */
export const protobufDepthMax = 100;
/** Managers in one object's managedFields that did not apply (fieldmanager.DefaultMaxUpdateManagers): older ones are merged. */
export const updateManagersMax = 10;

// agent/engine, agent/images, agent/network, agent/stream

/** Requests to the engine at once; more wait. Engines start about eight containers a second on two cores. */
export const engineRequestsMax = 16;
/** Open streams (logs, events, exec, attach) to the engine; more are refused. */
export const engineStreamsMax = 512;
/** An engine answers a question within this. */
export const engineQueryTimeoutMs = 30_000;
/** An engine creates, starts or removes a container within this, even on a busy host. */
export const engineChangeTimeoutMs = 120_000;
/** Loading, saving or removing an image may move gigabytes. */
export const engineImageTimeoutMs = 600_000;
/** A pull that says nothing for this long has failed. Podman says nothing while it downloads one layer. */
export const imagePullIdleMs = 600_000;
/** A connection to the engine is made within this. */
export const engineConnectTimeoutMs = 5_000;
/** The first answer of an engine that takes connections, when no other one answers. */
export const engineSlowTimeoutMs = 60_000;
/** An answer of the engine's that is held in memory: 10,000 containers are about 20 MB. */
export const engineAnswerBytesMax = 64 * 2 ** 20;
/** How long an exec'd process may count as running after its output has ended. */
export const execEndTimeoutMs = 10_000;
export const execEndPollMs = 20;
/** One line of the engine's event and progress streams. */
export const engineLineBytesMax = 2 ** 20;
/** Logs that an engine keeps of a container (the kubelet's containerLogMaxSize and containerLogMaxFiles). */
export const logRotation = { maxBytes: 10 * 2 ** 20, maxFiles: 5 } as const;
/** Ends of containers for which it is remembered whether the kernel killed them for memory. */
export const oomAnswersMax = 4_096;

// proxy

/** Endpoints of one Service port. A power of two: each pool has this many numbers of its own (32 bits: 262,143 pools). */
export const serviceBackendsMax = 16_384;
/** Clients that one endpoint of a Service with sessionAffinity remembers. */
export const affinityClientsMax = 65_535;
/** At least this long between two transactions: a burst of changes becomes one. The first of a quiet time goes at once. */
export const proxySyncIntervalMs = 10;
/** A transaction that failed is tried again, as a full reload: doubles from the first to the second. */
export const proxyRetryMinMs = 100;
export const proxyRetryMaxMs = 30_000;
/** Longer than agents take to say again, once they reach the API, that their pods are ready. */
export const regainedTrustMs = 10_000;
/** The kernel's table is compared with ours this often, and at most for this share of the time. */
export const proxyVerifyIntervalMs = 30_000;
export const proxyVerifyShareMax = 0.01;
/** It is looked whether the table is there at all this often. */
export const proxyGlanceIntervalMs = 5_000;
/** A sync that has been due for longer makes the proxy unhealthy (kube-proxy's healthz: twice the sync period). */
export const proxyStaleMs = 60_000;
/** The nft and conntrack programs, for one run. */
export const proxyCommandTimeoutMs = 60_000;
/** Connection tracking entries that one reconciliation deletes; the next one goes on. */
export const conntrackDeletesMax = 1_000;
/** Open connections and UDP flows of the userspace mode; more are refused. */
export const userspaceConnectionsMax = 4_096;
export const userspaceFlowsMax = 4_096;
export const userspaceConnectTimeoutMs = 5_000;
/** Endpoints that are tried for one connection. */
export const userspaceTriesMax = 4;
/** Before connections are taken again where that failed. */
export const userspaceAcceptPauseMs = 200;
/** Sockets that the userspace mode listens on; more are left out. */
export const userspaceListenersMax = 16_384;
/** Open connections may go on for so long when the userspace mode is stopped. */
export const userspaceDrainMs = 5_000;
/** A UDP flow without a packet in either direction ends (kube-proxy's --udp-timeout was 250 ms; conntrack: 30 s). */
export const userspaceFlowIdleMs = 30_000;
/** Clients with an endpoint of their own in the userspace mode, per Service port. */
export const userspaceAffinityMax = 16_384;

// proxy/dns

/** A UDP answer without EDNS, and the largest that is sent with it (DNS flag day 2020). */
export const dnsUdpBytes = 512;
export const dnsUdpBytesMax = 1_232;
/** Questions that wait for an upstream server; more get SERVFAIL at once. */
export const dnsInFlightMax = 1_024;
/** One try at one upstream server, and tries in all. */
export const dnsTryTimeoutMs = 2_000;
export const dnsTriesMax = 3;
/** A server that failed this often in a row is asked last for this long. */
export const dnsFailuresMax = 3;
export const dnsAvoidMs = 5_000;
/** Answers that are kept, and for how long at most (seconds): positive, negative, failed. */
export const dnsCacheEntriesMax = 8_192;
export const dnsCacheSecondsMax = 300;
export const dnsNegativeSecondsMax = 30;
export const dnsFailureSeconds = 2;
/** Open TCP connections, questions at a time on each, and how long one may be idle. */
export const dnsTcpConnectionsMax = 256;
export const dnsTcpPipelineMax = 64;
export const dnsTcpIdleMs = 10_000;
/** CNAMEs that are followed for one question. */
export const dnsChainMax = 8;
/** Names that are tried for one question with a search path. */
export const dnsSearchMax = 8;
/** Domains with servers of their own. */
export const dnsStubDomainsMax = 256;
/** A search path that takes longer is left to the client. */
export const dnsSearchTimeoutMs = 1_000;
/** Pulls at once on a node; more wait in line. */
export const imagePullsMax = 3;
/** Between attempts to pull an image for a pod: doubles from the first to the second (kubelet: MaxContainerBackOff). */
export const imagePullBackoffMinMs = 10_000;
export const imagePullBackoffMaxMs = 300_000;
/** Images and pods whose failed pulls are remembered. */
export const imagePullBackoffsMax = 1_024;
/** Passwords that are tried for one pull. */
export const imagePullCredentialsMax = 16;
/** A registry that did not answer is not asked again before, for an image that is present anyway. */
export const registryRetryMs = 60_000;
/** An address that a pod has left is given to another no sooner, so that no late packet or stale name finds a stranger. */
export const podAddressReuseMs = 60_000;
/** Routes, tunnels, firewall exceptions and the table of the pod network are looked after again after this. */
export const networkVerifyMs = 30_000;
/** Whether the host still has the node's address. */
export const nodeAddressCheckMs = 5_000;
/** A command of the pod network (ip, nft, iptables) ends within this. */
export const networkCommandTimeoutMs = 30_000;
/** Exec, attach, port-forward and log streams of one node at once; more are refused. */
export const streamSessionsMax = 512;
/** A stream without traffic ends (kubelet: streamingConnectionIdleTimeout). */
export const streamIdleMs = 4 * 3_600_000;
/** A client opens the streams that its request names within this (kubelet: DefaultStreamCreationTimeout). */
export const streamCreationMs = 30_000;
/** Streams of one SPDY connection: port-forward has two for each of its connections. */
export const spdyStreamsMax = 2_048;
/** A SPDY frame: kubectl's have at most 64 KiB, the format allows 16 MiB. */
export const spdyFrameBytesMax = 2 ** 20;
/** Headers of a SPDY stream, inflated. */
export const spdyHeaderBytesMax = 64 * 2 ** 10;
/** What may wait in a stream for its reader; then its connection is read no further. */
export const streamBufferBytesMax = 2 ** 20;
/** A message of a WebSocket client. */
export const streamMessageBytesMax = 4 * 2 ** 20;
/** A connection into a pod is made within this. */
export const podDialMs = 5_000;
/** A relay in a pod's network namespace ends when it has been without connections for this long. */
export const relayIdleMs = 60_000;

// apiserver/controllers

/** Pods that are created or deleted by one plan (upstream: BurstReplicas). */
export const burstReplicasMax = 500;
/** The same of a DaemonSet (upstream: BurstReplicas of the daemon controller). */
export const burstDaemonsMax = 250;
/** Between replacements of a daemon pod that fails on its Node: doubles from the first to the second. */
export const daemonFailureMinMs = 1_000;
export const daemonFailureMaxMs = 900_000;
/** Nodes on which daemon pods failed, as far as it is remembered. */
export const daemonFailuresMax = 10_000;
/** Before the next pod of a Job after failures: doubles from the first to the second. */
export const jobBackoffMinMs = 10_000;
export const jobBackoffMaxMs = 360_000;
/** Pods that a Job's status lists as ended and not yet counted (upstream: MaxUncountedPods). */
export const uncountedPodsMax = 500;
/** An evicted pod that is not seen to go for this long does not go (upstream: DeletionTimeout, stalePodDisruptionTimeout). */
export const disruptionTimeoutMs = 120_000;
/** Characters of revision-history that are kept. */
export const revisionHistoryCharactersMax = 2000;
/** Endpoints in one EndpointSlice. */
export const endpointsPerSliceMax = 100;
/** Addresses that Endpoints may list; the rest is only in EndpointSlices. */
export const endpointsAddressesMax = 1000;
/** Addresses of one subset of Endpoints that are mirrored to slices. */
export const mirroredAddressesMax = 1000;
/** Prefix of a Node's range: 254 pods. */
export const nodeRangeBits = 24;
/** Without a heartbeat for this long a Node's state is unknown (--node-monitor-grace-period). */
export const nodeGraceMs = 50_000;
/** What it can be set to: more than one heartbeat has to fit in. */
export const nodeGraceRangeMs = { fromMs: 15_000, toMs: 3_600_000 } as const;
/** Nodes that were cut off at the same moment fall silent within this: the interval of their heartbeats, and a delay. */
export const heartbeatSpreadMs = 11_000;
/** While others may be about to fall silent, a Node that has is looked at again after this. */
export const silentNodesRecheckMs = 1_000;
/** A Node that has never said anything is given longer (--node-startup-grace-period). */
export const nodeStartupGraceMs = 60_000;
/** Between evictions of two Nodes of one zone (--node-eviction-rate 0.1). */
export const evictionIntervalMs = 10_000;
/** The same in a large zone of which most is down (--secondary-node-eviction-rate 0.01). */
export const slowEvictionIntervalMs = 100_000;
/** Zones up to this size stop evicting when most is down (--large-cluster-size-threshold). */
export const smallZoneNodesMax = 50;
/** From this share of Nodes that are down a zone counts as disrupted (--unhealthy-zone-threshold). */
export const unhealthyZoneShareMin = 0.55;
/** What the server said about owners that the garbage collector does not see, as far as it is remembered. */
export const garbageVerdictsMax = 4_096;
/** How often the garbage collector asks discovery for new and removed kinds. */
export const garbageDiscoveryMs = 30_000;
/** A kind that can't be listed for this long holds up no other (upstream: initialSyncTimeout). */
export const garbageSyncTimeoutMs = 30_000;
/** First and longest wait between two passes over a namespace that is being deleted; the end of its last pod makes one at once. */
export const namespacePassMinMs = 500;
export const namespacePassMaxMs = 15_000;
/** Kinds of which a namespace is emptied at the same time. */
export const namespaceResourcesMax = 8;
/** How long Events are kept after they were last seen (kube-apiserver --event-ttl). */
export const eventTtlMs = 3_600_000;
/** Between two looks for old Events. */
export const eventSweepMs = 300_000;
/** Events of one page of such a look, and deletions at the same time. */
export const eventPageMax = 500;
export const eventDeletionsMax = 16;
/** Finished pods that are kept (kube-controller-manager --terminated-pod-gc-threshold). */
export const finishedPodsMax = 12_500;
/** Between two looks for pods that nobody else removes. */
export const podSweepMs = 20_000;
/** A Node must have been missing for this long before its pods are removed: it may be on its way in. */
export const orphanQuarantineMs = 40_000;
/** Removals of one such look; the rest waits for the next. */
export const podRemovalsMax = 100;

// apiserver/scheduler

/** Nodes that are enough to choose from, whatever their number. */
export const feasibleNodesMin = 100;
/** Between attempts for one pod: doubles from the first to the second (podInitialBackoffSeconds, podMaxBackoffSeconds). */
export const schedulingBackoff = { baseMs: 1_000, maxMs: 10_000 };
/** After this an unschedulable pod is tried again, whatever happened (podMaxInUnschedulablePodsDuration). */
export const unschedulableMaxMs = 300_000;
/** How often is looked for such pods. */
export const unschedulableFlushMs = 30_000;
/** How long a pod's volumes may take to be made and bound (kube-scheduler's bindTimeoutSeconds). */
export const volumeBindingTimeoutMs = 600_000;
/** Writes in flight: bindings, statuses, removals. */
export const schedulerWritesMax = 64;
/** How long pods are placed before other work of the process gets its turn. */
export const schedulerTurnMs = 5;
/** Quantities whose values are remembered: a cluster has few different ones. */
export const quantitiesRememberedMax = 4_096;
/** Nodes on which preemption is tried at least, and the share of all that may be. */
export const preemptionCandidatesMin = 100;
export const preemptionCandidatesShare = 0.1;
/** Sorts of pods that are counted at the same time; the one that was not asked for longest is dropped. */
export const podTrackersMax = 512;

// lib/join

/** How long a host that joins tries to reach the server, and how often it says that it still does. */
export const joinReachMs = 120_000;
export const joinProgressMs = 5_000;
export const joinRetryMs = 500;
/** A connection and its TLS handshake are there within this, or the server does not answer. */
export const joinConnectMs = 5_000;
/** A certificate that was asked for is there within this: approving and signing take milliseconds. */
export const certificateWaitMs = 60_000;
/** Hosts' clocks may differ by so much: half of how far back certificates are good from. */
export const clockSkewMaxMs = 30 * 60_000;
/** After this part of its life, chance between the two, a certificate is replaced (client-go: certificate.Manager). */
export const renewalShare = { from: 0.7, to: 0.9 } as const;
/** Between attempts to renew: doubles from the first to the second. */
export const renewalRetryMinMs = 30_000;
export const renewalRetryMaxMs = 3_600_000;
/** A bootstrap token's life when nobody says another one. */
export const tokenTtlMs = 24 * 3_600_000;
/** `deno task start` prints the last token that it made while this is left of its life. */
export const tokenReuseMs = 12 * 3_600_000;
/** Files with credentials are looked at again after this. */
export const credentialsRereadMs = 60_000;

// apiserver/controllers/certificates

/** Life of a certificate when its request says nothing (--cluster-signing-duration), and the shortest (10 min, by validation). */
export const certificateLifetimeMs = 365 * 86_400_000;
/** Requests are kept: answered ones, and those that nobody answers (pkg/controller/certificates/cleaner). */
export const answeredRequestTtlMs = 3_600_000;
export const pendingRequestTtlMs = 24 * 3_600_000;
/** A name is kept for the machine that was let in with it until its Node is there, or for this long. */
export const joinReservationMs = 5 * 60_000;
/** A request that may not be approved yet is looked at again after this: rights come later than requests. */
export const deniedApprovalRetryMs = 30_000;
/** Names kept at once; the oldest goes first. */
export const joinReservationsMax = 1_024;

// Draining

/** A proxy renews its Lease this often, and is taken for dead when it has not for as long as the Lease lasts. */
export const proxyLeaseRenewMs = 10_000;
export const proxyLeaseSeconds = 40;
/** A pod that is deleted is stopped after this long even if a proxy has not said that it sends nothing there any longer. */
export const drainWaitMsMax = 10_000;

// apiserver/registry

/** Of a difference that is told to people: more lines, and longer values, help nobody. */
export const diffLinesMax = 20;
export const diffValueCharactersMax = 200;

// apiserver/registry/batch: Kubernetes' own (pkg/apis/batch/validation)

/** Pods at once, and failed indexes, of an Indexed Job: what keeps the lists of its status short. */
export const indexedParallelismMax = 100_000;
export const indexedFailedIndexesMax = 100_000;
/** Above so many completions an Indexed Job with a backoff limit per index may have fewer of both. */
export const manyCompletions = 100_000;
export const manyCompletionsParallelismMax = 10_000;
export const manyCompletionsFailedIndexesMax = 10_000;
export const podFailureRulesMax = 20;
export const podFailureExitCodesMax = 255;
export const podFailureConditionsMax = 20;
export const successRulesMax = 20;
export const succeededIndexesBytesMax = 64 * 1024;
export const managedByBytesMax = 63;
/** A Job's name is its CronJob's, a dash, and ten digits, and must be a label: 63 - 11. */
export const cronJobNameBytesMax = 52;

// apiserver/auth

/** Tokens whose signature was found right, remembered so that it is checked once: a busy cluster's pods, 300 bytes each. */
export const verifiedTokensMax = 8_192;

// apiserver/admission

/** How often a write is judged anew because others used up what it was to use: each time at least one of them got through. */
export const admissionAttemptsMax = 20;
/** Pods that are looked at when a namespace gets a stricter level (k8s.io/pod-security-admission). */
export const podSecurityPodsMax = 3_000;

// apiserver/controllers/resource_quota

/** A quota is counted anew at least this often (kube-controller-manager --resource-quota-sync-period). */
export const quotaResyncMs = 5 * 60_000;
/** Between looks for kinds that quotas name and the server does not serve. */
export const quotaDiscoveryMs = 30_000;
/** A node that leaves waits for its pods to end for this long. */
export const nodeLeaveMsMax = 120_000;

// apiserver/flow

/** How long a request waits for a seat (kube-apiserver: a quarter of --request-timeout). */
export const flowWaitMsMax = 15_000;
/** Flows of one priority level whose hands of queues are kept; beyond, they are dealt again. */
export const flowHandsMax = 4_096;
/** Objects of a list that take one seat, and seats that one list takes at the most (k8s.io/apiserver: DefaultWorkEstimatorConfig). */
export const flowObjectsPerSeat = 100;
export const flowListSeatsMax = 10;
/** Seats are lent and given back this often (k8s.io/apiserver: borrowingAdjustmentPeriod). */
export const flowBorrowMs = 10_000;
/** Flow schemas and priority levels that every cluster has are looked after this often, and when one of them changes. */
export const flowMaintainMs = 60_000;

// apiserver/controllers/horizontal_pod_autoscaler

/** Between two looks for kinds that autoscalers name and the server does not serve. */
export const scaleDiscoveryMs = 30_000;

// apiserver/resource_metrics

/** What agents said of usage is told for this long before they are asked again; the autoscaler asks every 15 s. */
export const metricsFreshMs = 10_000;
/** Between the first two looks at a node: who asks first waits for this. */
export const metricsFirstWindowMs = 2_000;
/** An agent that has not answered by then has no metrics. */
export const metricsScrapeMs = 5_000;
export const metricsScrapeBytesMax = 16 * 2 ** 20;
/** Agents that are asked at once. */
export const metricsScrapesMax = 100;

/** After a ServiceCIDR was deleted, at least: an address may just be picked from it (pkg/controller/servicecidrs). */
export const serviceCidrDeletionGraceMs = 10_000;
/** How long an IPAddress that somebody made by hand may be without its Service (a request's longest time). */
export const strayAddressMs = 60_000;

// apiserver/audit

/** Audit events that wait to be written; beyond, requests wait. */
export const auditBufferCharactersMax = 16 * 2 ** 20;
/** An answer's object up to this is written down: any single object, and lists of some thousands. */
export const auditBodyBytesMax = 4 * 2 ** 20;

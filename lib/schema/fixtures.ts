/** Objects that several tests of the schema, of patches and of server-side apply share. For tests only. */

/** A Deployment with a Pod template of about 3 KB, as people write them. */
export function deployment(): Record<string, unknown> {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: {
      name: "web",
      namespace: "default",
      labels: { app: "web", "app.kubernetes.io/name": "web" },
      annotations: { note: 'a longer text, with "quotes": and {braces}' },
    },
    spec: {
      replicas: 3,
      selector: { matchLabels: { app: "web" } },
      strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: 0 } },
      template: { metadata: { labels: { app: "web" } }, spec: podSpec() },
    },
  };
}

export function pod(): Record<string, unknown> {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "web-1",
      namespace: "default",
      uid: "0c4b6f0e-9b0e-4e3c-8e5e-2f0f2f0f2f0f",
      resourceVersion: "1234",
      creationTimestamp: "2026-01-02T03:04:05Z",
      labels: { app: "web", "pod-template-hash": "5d4f8c7b9" },
      ownerReferences: [{
        apiVersion: "apps/v1",
        kind: "ReplicaSet",
        name: "web-5d4f8c7b9",
        uid: "1c4b6f0e-9b0e-4e3c-8e5e-2f0f2f0f2f0f",
        controller: true,
        blockOwnerDeletion: true,
      }],
    },
    spec: podSpec(),
    status: {
      phase: "Running",
      podIP: "10.244.0.7",
      podIPs: [{ ip: "10.244.0.7" }],
      startTime: "2026-01-02T03:04:06Z",
      conditions: ["PodScheduled", "Initialized", "ContainersReady", "Ready"].map((type) => ({
        type,
        status: "True",
        lastTransitionTime: "2026-01-02T03:04:07Z",
      })),
      containerStatuses: [{
        name: "web",
        image: "registry.example/web:1.2.3",
        imageID: "sha256:0123456789abcdef",
        ready: true,
        restartCount: 0,
        started: true,
        state: { running: { startedAt: "2026-01-02T03:04:07Z" } },
      }],
    },
  };
}

function podSpec(): Record<string, unknown> {
  return {
    initContainers: [{ name: "init", image: "busybox:1.36", command: ["sh", "-c", "true"] }],
    containers: [
      {
        name: "web",
        image: "registry.example/web:1.2.3",
        imagePullPolicy: "IfNotPresent",
        args: ["--listen", ":8080", "--verbose"],
        ports: [{ name: "http", containerPort: 8080, protocol: "TCP" }, { containerPort: 9090, protocol: "TCP" }],
        env: [
          { name: "A", value: "1" },
          { name: "NODE", valueFrom: { fieldRef: { fieldPath: "spec.nodeName", apiVersion: "v1" } } },
          { name: "KEY", valueFrom: { secretKeyRef: { name: "s", key: "k", optional: false } } },
        ],
        resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { cpu: "1", memory: "256Mi" } },
        readinessProbe: { httpGet: { path: "/ready", port: "http", scheme: "HTTP" }, periodSeconds: 5 },
        livenessProbe: { tcpSocket: { port: 8080 }, initialDelaySeconds: 10 },
        volumeMounts: [{ name: "data", mountPath: "/data" }, { name: "config", mountPath: "/etc/web", readOnly: true }],
        securityContext: { runAsUser: 0, allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
      },
      { name: "sidecar", image: "busybox:1.36", command: ["sleep", "infinity"] },
    ],
    volumes: [
      { name: "data", emptyDir: { sizeLimit: "1Gi" } },
      { name: "config", configMap: { name: "web", defaultMode: 420, items: [{ key: "a", path: "a.conf" }] } },
    ],
    nodeSelector: { "kubernetes.io/os": "linux" },
    tolerations: [{
      key: "node.kubernetes.io/not-ready",
      operator: "Exists",
      effect: "NoExecute",
      tolerationSeconds: 300,
    }],
    affinity: {
      podAntiAffinity: {
        preferredDuringSchedulingIgnoredDuringExecution: [{
          weight: 100,
          podAffinityTerm: { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app: "web" } } },
        }],
      },
    },
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    serviceAccountName: "default",
  };
}

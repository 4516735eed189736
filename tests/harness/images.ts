/** The images that the tests and the README use, made here and loaded into a host's engine. */
import { findProgram, programFiles } from "./host_program.ts";
import { busyboxImage } from "./image.ts";
import type { Host } from "./lab/host.ts";

/** Ends at once on SIGTERM: process 1 of a container ignores what it does not handle. */
const serve = `#!/bin/sh
trap 'kill $pid; exit 0' TERM INT
httpd -f -p 8080 -h /www &
pid=$!
wait
`;

const sleeper = `trap 'exit 0' TERM INT
sleep 2147483647 &
wait
`;

/** A web server whose every answer is what `lines`, shell commands, print as headers, an empty line and a body. */
function answering(ref: string, lines: string): Promise<Uint8Array<ArrayBuffer>> {
  return busyboxImage({
    ref,
    entrypoint: ["/bin/sh", "/serve"],
    cmd: [],
    exposedPorts: ["8080/tcp"],
    files: [
      { path: "serve", mode: 0o755, data: serve },
      { path: "www", kind: "directory" },
      { path: "www/cgi-bin", kind: "directory" },
      { path: "www/cgi-bin/index.cgi", mode: 0o755, data: `#!/bin/sh\n${lines}\n` },
    ],
  });
}

const versioned = (version: string) =>
  `echo "Content-Type: text/plain"\necho\necho "This is ${version} running in pod $(hostname)"`;

/**
 * Sends back what comes on port 9000: on UDP the host's name before it, on TCP the same bytes. Who can connect by TCP finds UDP bound.
 */
const echo = `#!/bin/sh
trap 'exit 0' TERM INT
perl -e '
  socket(S, 2, 2, 17) or die; bind(S, pack("Sna4x8", 2, 9000, "\\0" x 4)) or die;
  fork or exec qw(nc -ll -p 9000 -e cat);
  while (defined($from = recv(S, $m, 2000, 0))) { send(S, $ARGV[0] . " " . $m, 0, $from) }' "$(hostname)" &
wait
`;

const webServer = new URL("programs/web.pl", import.meta.url);

/** Without Debian's resolver tools busybox's nslookup stands in: it says more, and fails where one of several searches found nothing. */
async function dnsutils(): Promise<Uint8Array<ArrayBuffer>> {
  const tools = ["nslookup", "dig"];
  const files = tools.every((name) => findProgram(name) !== undefined) ? await programFiles(tools) : [];
  return await busyboxImage({
    ref: "docker.io/tutum/dnsutils:latest",
    env: ["PATH=/usr/bin:/bin"],
    cmd: ["sh", "-c", sleeper],
    files,
  });
}

const busybox = (tag: string) => busyboxImage({ ref: `docker.io/library/busybox:${tag}` });

const makers = {
  v1: () => answering("docker.io/qinchaowhut/allen:v1", versioned("v1")),
  v2: () => answering("docker.io/qinchaowhut/allen:v2", versioned("v2")),
  /** Starts, and answers every request with a failure. */
  bad: () =>
    answering(
      "docker.io/qinchaowhut/allen:bad",
      'echo "Status: 500 Internal Server Error"\necho\necho "this version is broken"',
    ),
  dnsutils,
  busybox: () => busybox("latest"),
  "busybox:1.36": () => busybox("1.36"),
  echo: async () =>
    busyboxImage({
      ref: "localhost/echo:1",
      entrypoint: ["/bin/sh", "/echo"],
      cmd: [],
      env: ["PATH=/usr/bin:/bin"],
      files: [{ path: "echo", mode: 0o755, data: echo }, ...await programFiles(["perl"])],
    }),
  /** What a well-behaved server is like: programs/web.pl. */
  web: async () =>
    busyboxImage({
      ref: "localhost/web:1",
      entrypoint: ["perl", "/web.pl"],
      cmd: [],
      env: ["PATH=/usr/bin:/bin"],
      exposedPorts: ["8080/tcp"],
      files: [
        { path: "web.pl", mode: 0o755, data: await Deno.readTextFile(webServer) },
        ...await programFiles(["perl"]),
      ],
    }),
};

export type TestImage = keyof typeof makers;

const made = new Map<TestImage, Promise<Uint8Array<ArrayBuffer>>>();

/** Loads the named ones, otherwise all. Each is made once per process. */
export async function loadImages(
  host: Host,
  names: readonly TestImage[] = Object.keys(makers) as TestImage[],
): Promise<void> {
  for (const name of names) {
    const image = made.get(name) ?? makers[name]();
    made.set(name, image);
    await load(host, name, await image);
  }
}

async function load(host: Host, name: TestImage, image: Uint8Array): Promise<void> {
  const file = `${host.dir}/image.tar`;
  await Deno.writeFile(file, image);
  const { code, stdout, stderr } = await host.exec([
    ...["curl", "-fsS", "--unix-socket", host.engineSocket, "-X", "POST", "-H", "Content-Type: application/x-tar"],
    ...["-H", "Expect:", "-T", file, "http://d/v1.41/images/load"],
  ]);
  if (code !== 0 || /"error"/.test(stdout)) {
    throw new Error(`${host.name}: could not load the image ${name}: ${stderr}${stdout}`);
  }
  await Deno.remove(file);
}

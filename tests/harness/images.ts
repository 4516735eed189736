/** The images that the tests and the README use, made here and loaded into a host's engine. */
import { busyboxImage } from "./image.ts";
import type { Host } from "./lab/host.ts";

/** Ends at once on SIGTERM: process 1 of a container ignores what it does not handle. */
const serve = `#!/bin/sh
trap 'kill $pid; exit 0' TERM INT
httpd -f -p 8080 -h /www &
pid=$!
wait
`;

const sleeper = `#!/bin/sh
trap 'exit 0' TERM INT
sleep 2147483647 &
wait
`;

function answering(ref: string, line: string): Promise<Uint8Array<ArrayBuffer>> {
  return busyboxImage({
    ref,
    entrypoint: ["/bin/sh", "/serve"],
    cmd: [],
    exposedPorts: ["8080/tcp"],
    files: [
      { path: "serve", mode: 0o755, data: serve },
      { path: "www", kind: "directory" },
      { path: "www/cgi-bin", kind: "directory" },
      {
        path: "www/cgi-bin/index.cgi",
        mode: 0o755,
        data: `#!/bin/sh\necho "Content-Type: text/plain"\necho\n${line}\n`,
      },
    ],
  });
}

const versioned = (version: string) => `echo "This is ${version} running in pod $(hostname)"`;

const makers: readonly (() => Promise<Uint8Array<ArrayBuffer>>)[] = [
  () => answering("docker.io/qinchaowhut/allen:v1", versioned("v1")),
  () => answering("docker.io/qinchaowhut/allen:v2", versioned("v2")),
  // Starts, and answers every request with a failure.
  () => answering("docker.io/qinchaowhut/allen:bad", 'echo "this version is broken"; exit 1'),
  () => busyboxImage({ ref: "docker.io/tutum/dnsutils:latest", entrypoint: [], cmd: ["sh", "-c", sleeper] }),
  () => busyboxImage({ ref: "docker.io/library/busybox:latest", entrypoint: [], cmd: ["sh"] }),
];

let made: Promise<Uint8Array<ArrayBuffer>[]> | undefined;

/** Loads all of them. They are made once per process. */
export async function loadImages(host: Host): Promise<void> {
  made ??= Promise.all(makers.map((make) => make()));
  for (const [i, image] of (await made).entries()) {
    const file = `${host.dir}/image-${i}.tar`;
    await Deno.writeFile(file, image);
    const load = [
      "curl",
      "-fsS",
      "--unix-socket",
      host.engineSocket,
      "-X",
      "POST",
      "-H",
      "Content-Type: application/x-tar",
    ];
    const { code, stdout, stderr } = await host.exec([
      ...load,
      "-H",
      "Expect:",
      "-T",
      file,
      "http://d/v1.41/images/load",
    ]);
    if (code !== 0 || /"error"/.test(stdout)) {
      throw new Error(`${host.name}: could not load image ${i}: ${stderr}${stdout}`);
    }
    await Deno.remove(file);
  }
}

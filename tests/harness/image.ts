/**
 * Images for tests, made here and loaded into an engine: no registry is needed.
 *
 * The base is busybox as one static file (package busybox-static), with its applets as links.
 */
import { imageArchive, type ImageContent } from "../../agent/images/archive.ts";
import type { TarEntry } from "../../agent/images/tar.ts";
import { findProgram } from "./host_program.ts";

const applets = [
  ..."[ ash awk basename cat chmod chown cp cut date dd df dirname echo env expr false find grep head hostname httpd id"
    .split(" "),
  ..."ifconfig ip kill ls mkdir mount mv nc netstat nslookup od ping printf ps pwd readlink rm rmdir sed seq sh sha256sum"
    .split(" "),
  ..."sleep sort stat stty tail tar tee test timeout top touch tr true tty uname uniq vi wc wget which whoami xargs yes"
    .split(" "),
];

/** Undefined when this machine has no static busybox; tests that need an image are then skipped. */
export function findBusybox(): string | undefined {
  return findProgram("busybox");
}

/** `amd64`, `arm64`: this machine's. */
export const architecture = Deno.build.arch === "aarch64" ? "arm64" : "amd64";

/** The files of a small system: busybox, /etc/passwd with root and `app` (1000), /tmp, /root, /etc. */
export async function busyboxFiles(): Promise<TarEntry[]> {
  const busybox = findBusybox();
  if (busybox === undefined) throw new Error(`this machine has no busybox: install busybox-static`);
  return [
    ...["bin", "etc", "root", "proc", "sys", "dev", "var", "home"].map((path) => ({
      path,
      kind: "directory" as const,
    })),
    { path: "tmp", kind: "directory", mode: 0o1777 },
    { path: "bin/busybox", mode: 0o755, data: await Deno.readFile(busybox) },
    ...applets.map((name) => ({ path: `bin/${name}`, kind: "symlink" as const, target: "busybox" })),
    { path: "etc/passwd", data: "root:x:0:0:root:/root:/bin/sh\napp:x:1000:1000:app:/home:/bin/sh\n" },
    { path: "etc/group", data: "root:x:0:\napp:x:1000:\n" },
  ];
}

/** An image with busybox, further files, and what else an image says of itself (entrypoint, cmd, env, user, …). */
export async function busyboxImage(
  content: { ref: string } & Partial<Omit<ImageContent, "ref" | "architecture">>,
): Promise<Uint8Array<ArrayBuffer>> {
  return imageArchive({
    cmd: ["sh"],
    ...content,
    architecture,
    files: [...await busyboxFiles(), ...content.files ?? []],
  });
}

/** The stock kubectl, command by command, with validation as it comes: each room of kubectl/ has some, and none is left out. */
import { about } from "./kubectl/about.ts";
import { certificates } from "./kubectl/certificates.ts";
import { creates } from "./kubectl/creates.ts";
import { described } from "./kubectl/described.ts";
import { everyCommand } from "./kubectl/every_command.ts";
import { forms } from "./kubectl/forms.ts";
import { local } from "./kubectl/local.ts";
import { nodes } from "./kubectl/nodes.ts";
import { objects } from "./kubectl/objects.ts";
import { served, Shell } from "./kubectl/shell.ts";
import { streams } from "./kubectl/streams.ts";
import { variations } from "./kubectl/variations.ts";
import { workloads } from "./kubectl/workloads.ts";
import { scenario } from "./scenario.ts";

/** Those in which an engine has its part. */
const common = [about, creates, objects, workloads, streams];
/** Those that are between kubectl and the API server: on one engine. */
const once = [local, forms, variations, certificates, described];

scenario("the stock kubectl works", async (scene) => {
  const shell = new Shell(scene, await served(scene));
  for (const part of common) await part(shell);
  if (scene.engine === "podman") { for (const part of once) await part(shell); }
  await nodes(shell);
  if (scene.engine === "podman") await everyCommand(shell);
}, { images: ["v1", "v2", "busybox:1.36"], programs: ["script"] });

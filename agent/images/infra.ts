/** The image of the container that holds a pod's namespaces. It is made here: no registry is needed. */
import type { Engine } from "../engine/engine.ts";
import { EngineError } from "../engine/error.ts";
import { imageArchive } from "./archive.ts";
import { infraBinary } from "./infra_binaries.ts";

/** Raised with every change of infra.c, so that a host with the old image gets the new one. */
export const infraRef = "localhost/sauropod-infra:1";

/** What an infra container runs. */
export const infraCommand = ["/infra"] as const;

/**
 * The infra image's name, after making sure that the engine has it. `image` is the `--infra-image` flag: that one is
 * pulled when it is absent, and started with its own command. Throws EngineError.
 */
export async function ensureInfraImage(engine: Engine, image?: string): Promise<string> {
  const ref = image ?? infraRef;
  if (await engine.imageInspect(ref) !== undefined) return ref;
  if (image !== undefined) {
    await engine.imagePull(image);
    return image;
  }
  const { architecture } = await engine.info();
  const binary = infraBinary(architecture);
  if (binary === undefined) {
    const why = `there is no infra image for machine type ${architecture}: name one for it with --infra-image`;
    throw new EngineError("invalid", "image load", infraRef, why);
  }
  const files = [{ path: "infra", mode: 0o755, data: binary }];
  await engine.imageLoad(
    await imageArchive({ ref, architecture, files, entrypoint: infraCommand, stopSignal: "SIGTERM" }),
    ref,
  );
  return ref;
}

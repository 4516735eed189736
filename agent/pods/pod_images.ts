/** What the pods need of the node's images, and what they remember of them. */
import type { Engine, ImageInfo } from "../engine/engine.ts";
import { ensureInfraImage } from "../images/infra.ts";
import type { ImagePuller } from "../images/pull.ts";

export interface PodImages {
  readonly puller: ImagePuller;
  /** The image of the infra containers, made or pulled when it is not there. */
  infra(): Promise<string>;
  /** An image by its id; undefined when the engine has none such. */
  byId(id: string): Promise<ImageInfo | undefined>;
  /** The registry's name of an image (`docker.io/library/busybox@sha256:…`), if it is remembered and has one. */
  nameOf(id: string): string | undefined;
}

/** Images that are remembered by their id; what an id stands for never changes. */
const rememberedImagesMax = 1_000;

export function createPodImages(
  { engine, puller, infraImage, learned }: {
    engine: Engine;
    puller: ImagePuller;
    infraImage?: string;
    /** The name of an image has become known: statuses may show it now. */
    learned: () => void;
  },
): PodImages {
  const known = new Map<string, ImageInfo | undefined>();
  const asking = new Set<string>();
  let infra: Promise<string> | undefined;

  async function byId(id: string): Promise<ImageInfo | undefined> {
    if (known.has(id)) return known.get(id);
    const image = await engine.imageInspect(id);
    known.set(id, image);
    if (known.size > rememberedImagesMax) known.delete(known.keys().next().value!);
    return image;
  }
  return {
    puller,
    byId,
    infra() {
      // Asked for once; after a failure, anew.
      infra ??= ensureInfraImage(engine, infraImage).catch((error) => {
        infra = undefined;
        throw error;
      });
      return infra;
    },
    nameOf(id) {
      if (!known.has(id) && !asking.has(id)) {
        asking.add(id);
        byId(id).then(learned, () => {}).finally(() => asking.delete(id)); // asked again with the next status
      }
      const image = known.get(id);
      return image?.digests[0] ?? image?.id;
    },
  };
}

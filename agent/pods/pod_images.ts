/** What the pods need of the node's images; agent/images does it. */
import type { Secret } from "../../lib/types/core_v1.ts";
import type { ImageInfo } from "../engine/engine.ts";

export interface ImageRequest {
  readonly ref: string;
  readonly policy: "Always" | "IfNotPresent" | "Never";
  /** Of type kubernetes.io/dockerconfigjson or dockercfg: the pod's imagePullSecrets that exist. */
  readonly secrets: readonly Secret[];
  /** Called when it is really pulled, before that. */
  readonly onPull: () => void;
}

export type ImageAnswer =
  | {
    readonly ok: true;
    readonly image: ImageInfo;
    /** It was pulled just now, which took so long. */
    readonly pulledMs?: number;
    /** It was to be pulled and could not be, but was there. */
    readonly warning?: string;
  }
  | {
    readonly ok: false;
    /** `ErrImagePull`, `ErrImageNeverPull`, `InvalidImageName`, `RegistryUnavailable`, `ImageInspectError`. */
    readonly reason: string;
    readonly message: string;
  };

export interface PodImages {
  ensure(request: ImageRequest): Promise<ImageAnswer>;
  /** The image of the infra containers, made when it is not there. */
  infra(): Promise<string>;
  /** An image by its id, from memory when it was seen before. */
  byId(id: string): Promise<ImageInfo | undefined>;
}

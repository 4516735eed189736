/** The engine's API for images. Names are completed before they are sent, so that no engine guesses a registry. */
import { engineImageTimeoutMs, engineQueryTimeoutMs, imagePullIdleMs } from "../../lib/limits.ts";
import { normalizeReference } from "../images/reference.ts";
import { pullErrorCode } from "./answer_error.ts";
import { type ImageAnswer, imageOf, imageSummaryOf } from "./answers.ts";
import type { Api } from "./api.ts";
import { jsonLines } from "./demux.ts";
import type { Engine, ImageInfo, PullOptions, RegistryAuth } from "./engine.ts";
import { EngineError, isEngineError } from "./error.ts";
import type { Call } from "./http.ts";

type ImageCalls = Pick<
  Engine,
  "imageInspect" | "imageList" | "imagePull" | "imageRemove" | "imageLoad" | "imageSave"
>;

export function imageCalls(api: Api): ImageCalls {
  return {
    imageInspect: (ref) => inspect(api, normalizeReference(ref)),
    async imageList() {
      const call = { method: "GET", path: "/images/json", operation: "image list", subject: "" } as const;
      return (await api.json<ImageAnswer[]>(call, engineQueryTimeoutMs)).map(imageSummaryOf);
    },
    imagePull: (ref, options) => pull(api, normalizeReference(ref), options ?? {}),
    async imageRemove(text) {
      const ref = normalizeReference(text);
      const call = { method: "DELETE", path: `/images/${ref}`, operation: "image remove", subject: ref } as const;
      try {
        await api.ok(call, engineImageTimeoutMs);
      } catch (error) {
        if (!isEngineError(error, "no_image")) throw error;
      }
    },
    imageLoad: (archive, ref) => load(api, archive, normalizeReference(ref)),
    imageSave: (ref) => save(api, normalizeReference(ref)),
  };
}

async function inspect(api: Api, ref: string): Promise<ImageInfo | undefined> {
  const call = { method: "GET", path: `/images/${ref}/json`, operation: "image inspect", subject: ref } as const;
  try {
    return imageOf(await api.json<ImageAnswer>(call, engineQueryTimeoutMs));
  } catch (error) {
    if (isEngineError(error, "no_image")) return undefined;
    throw error;
  }
}

async function pull(api: Api, ref: string, options: PullOptions): Promise<void> {
  const call: Call = {
    method: "POST",
    path: `/images/create?fromImage=${encodeURIComponent(ref)}`,
    operation: "pull",
    subject: ref,
    headers: options.auth === undefined ? {} : { "x-registry-auth": registryAuth(options.auth) },
    signal: options.signal,
  };
  // Docker refuses with a status, Podman answers 200 and says it in the stream.
  for await (const line of jsonLines(await api.stream(call, imagePullIdleMs))) {
    if (typeof line.error === "string") {
      throw new EngineError(pullErrorCode(line.error), "pull", ref, line.error.trim());
    }
    const words = [line.id, line.status, line.progress].filter((word) => typeof word === "string" && word !== "");
    if (words.length > 0) options.onProgress?.(words.join(" "));
  }
}

/** As Docker wants it: JSON in URL-safe base64, with its padding. */
function registryAuth(auth: RegistryAuth): string {
  const json = JSON.stringify({
    username: auth.username ?? "",
    password: auth.password ?? "",
    serveraddress: auth.serverAddress ?? "",
    ...(auth.identityToken === undefined ? {} : { identitytoken: auth.identityToken }),
  });
  const binary = String.fromCharCode(...new TextEncoder().encode(json));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_");
}

async function load(api: Api, archive: Uint8Array | AsyncIterable<Uint8Array>, ref: string): Promise<void> {
  const call = {
    method: "POST",
    path: "/images/load?quiet=true",
    operation: "image load",
    subject: ref,
    body: archive,
  } as const;
  const text = await api.ok(call, engineImageTimeoutMs);
  const error = text.match(/"error"\s*:\s*"((?:[^"\\]|\\.)*)"/)?.[1];
  if (error !== undefined) throw new EngineError("engine", "image load", ref, error);
  if (await inspect(api, ref) === undefined) {
    throw new EngineError("no_image", "image load", ref, "the archive was loaded, but it held no image of this name");
  }
}

async function* save(api: Api, ref: string): AsyncGenerator<Uint8Array> {
  const call = { method: "GET", path: `/images/${ref}/get`, operation: "image save", subject: ref } as const;
  yield* await api.stream(call, engineImageTimeoutMs);
}

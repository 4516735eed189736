/**
 * Makes sure that a container's image is on the node, as the kubelet's image manager does: pull policy, one pull of an image
 * at a time, back-off, reasons and events in its words.
 *
 * One difference: with policy Always and a registry that does not answer, an image that is present is used (with a
 * warning), so that a node without its registry starts its pods. "Not found" and "denied" are answers, and do fail.
 * Left out: verification that a pod's own secrets would let it pull an image that is present already.
 */
import {
  imagePullBackoffMaxMs,
  imagePullBackoffMinMs,
  imagePullBackoffsMax,
  imagePullsMax,
  registryRetryMs,
} from "../../lib/limits.ts";
import type { Clock, Instant } from "../../lib/seams/clock.ts";
import type { Engine, ImageInfo, RegistryAuth } from "../engine/engine.ts";
import { EngineError, isEngineError } from "../engine/error.ts";
import { Keyring } from "./keyring.ts";
import { formatReference, InvalidReferenceError, parseReference, type Reference } from "./reference.ts";

export type PullPolicy = "Always" | "IfNotPresent" | "Never";

/** What is put in `state.waiting.reason` of a container. */
export type PullFailure =
  | "InvalidImageName"
  | "ImageInspectError"
  | "ErrImageNeverPull"
  | "ErrImagePull"
  | "ImagePullBackOff"
  | "RegistryUnavailable";

export class ImagePullError extends Error {
  override name = "ImagePullError";
  constructor(
    readonly reason: PullFailure,
    message: string,
    /** Ask again then; absent: an ask at any time is an attempt. */
    readonly retryAt?: Instant,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

export interface PullEvent {
  readonly type: "Normal" | "Warning";
  readonly reason:
    | "Pulling"
    | "Pulled"
    | "Failed"
    | "BackOff"
    | "InspectFailed"
    | "ErrImageNeverPull"
    | "FailedToPullImage";
  readonly message: string;
}

export interface EnsureImage {
  /** As in the pod's spec. */
  readonly image: string;
  readonly policy: PullPolicy;
  readonly keyring?: Keyring;
  /** Whose attempts count together for the back-off: the pod's uid. */
  readonly backoffKey: string;
  readonly onEvent: (event: PullEvent) => void;
}

/** What to do about an image. Pure. */
export function planPull(policy: PullPolicy, present: boolean): "use" | "pull" | "refuse" {
  if (policy === "Never") return present ? "use" : "refuse";
  return policy === "IfNotPresent" && present ? "use" : "pull";
}

/** The policy of a container that names none: Always for `:latest`, else IfNotPresent. */
export function defaultPullPolicy(image: string): PullPolicy {
  const reference = parseReference(image);
  return reference.digest === undefined && reference.tag === "latest" ? "Always" : "IfNotPresent";
}

interface Backoff {
  delayMs: number;
  until: Instant;
  failure: ImagePullError;
}

export interface ImagePuller {
  /** Answers the image that is to be used. Throws ImagePullError. */
  ensure(request: EnsureImage): Promise<ImageInfo>;
  /** Forgets the failures of a pod that is gone. */
  forget(backoffKey: string): void;
}

export function createImagePuller(options: { engine: Engine; clock: Clock; parallel?: number }): ImagePuller {
  return new Puller(options);
}

class Puller implements ImagePuller {
  readonly #clock: Clock;
  readonly #engine: Engine;
  readonly #backoffs = new Map<string, Backoff>();
  /** Registry → when to ask it again, for images that are present anyway: an unanswered ask may take a minute. */
  readonly #downUntil = new Map<string, Instant>();
  readonly #pulls: SharedPulls;

  constructor(options: { engine: Engine; clock: Clock; parallel?: number }) {
    this.#clock = options.clock;
    this.#engine = options.engine;
    this.#pulls = new SharedPulls({ ...options, parallel: options.parallel ?? imagePullsMax });
  }

  async #inspect(request: EnsureImage, ref: string): Promise<ImageInfo | undefined> {
    try {
      return await this.#engine.imageInspect(ref);
    } catch (error) {
      if (!isEngineError(error)) throw error;
      const message = `Failed to inspect image ${JSON.stringify(request.image)}: ${error.message}`;
      request.onEvent({ type: "Warning", reason: "InspectFailed", message });
      throw new ImagePullError("ImageInspectError", message, undefined, { cause: error });
    }
  }

  #fail(key: string, request: EnsureImage, error: EngineError): ImagePullError {
    const now = this.#clock.now();
    const last = this.#backoffs.get(key);
    const fresh = last === undefined || now - last.until > 2 * imagePullBackoffMaxMs;
    const delayMs = fresh ? imagePullBackoffMinMs : Math.min(imagePullBackoffMaxMs, last.delayMs * 2);
    const reason = error.code === "unreachable" ? "RegistryUnavailable" : "ErrImagePull";
    const message = error.code === "unreachable"
      ? `image pull failed for ${request.image} because the registry is unavailable: ${error.detail}`
      : error.detail;
    const failure = new ImagePullError(reason, message, now + delayMs, { cause: error });
    this.#backoffs.delete(key);
    this.#backoffs.set(key, { delayMs, until: now + delayMs, failure });
    if (this.#backoffs.size > imagePullBackoffsMax) this.#backoffs.delete(this.#backoffs.keys().next().value!);
    request.onEvent({
      type: "Warning",
      reason: "Failed",
      message: `Failed to pull image ${JSON.stringify(request.image)}: ${message}`,
    });
    return failure;
  }

  #checkBackoff(key: string, request: EnsureImage): void {
    const backoff = this.#backoffs.get(key);
    if (backoff === undefined || this.#clock.now() >= backoff.until) return;
    const message = `Back-off pulling image ${JSON.stringify(request.image)}`;
    request.onEvent({ type: "Normal", reason: "BackOff", message });
    const { reason, message: why } = backoff.failure;
    throw new ImagePullError("ImagePullBackOff", `${message}: ${reason}: ${why}`, backoff.until);
  }

  async #pull(request: EnsureImage, reference: Reference, present: ImageInfo | undefined): Promise<ImageInfo> {
    const ref = formatReference(reference);
    const key = `${request.backoffKey} ${ref}`;
    const name = JSON.stringify(request.image);
    if (present !== undefined && this.#clock.now() < (this.#downUntil.get(reference.domain) ?? 0)) {
      return usePresent(request, present, `${reference.domain} did not answer a moment ago`);
    }
    this.#checkBackoff(key, request);
    request.onEvent({ type: "Normal", reason: "Pulling", message: `Pulling image ${name}` });
    const asked = this.#clock.now();
    try {
      const keyring = request.keyring ?? Keyring.empty;
      const startedAt = await this.#pulls.pull(ref, keyring.lookup(reference));
      const image = await this.#inspect(request, ref);
      if (image === undefined) {
        throw new EngineError("engine", "pull", ref, "it was pulled, but the engine does not have it");
      }
      this.#backoffs.delete(key);
      this.#downUntil.delete(reference.domain);
      const [took, waited] = [this.#clock.now() - startedAt, this.#clock.now() - asked].map(seconds);
      const message =
        `Successfully pulled image ${name} in ${took} (${waited} including waiting). Image size: ${image.sizeBytes} bytes.`;
      request.onEvent({ type: "Normal", reason: "Pulled", message });
      return image;
    } catch (error) {
      if (!isEngineError(error)) throw error;
      if (error.code !== "unreachable" || present === undefined) throw this.#fail(key, request, error);
      this.#downUntil.set(reference.domain, this.#clock.now() + registryRetryMs);
      if (this.#downUntil.size > imagePullBackoffsMax) this.#downUntil.delete(this.#downUntil.keys().next().value!);
      return usePresent(request, present, error.detail);
    }
  }

  async ensure(request: EnsureImage): Promise<ImageInfo> {
    const name = JSON.stringify(request.image);
    const reference = parse(request);
    const present = await this.#inspect(request, formatReference(reference));
    switch (planPull(request.policy, present !== undefined)) {
      case "use":
        request.onEvent({
          type: "Normal",
          reason: "Pulled",
          message: `Container image ${name} already present on machine`,
        });
        return present!;
      case "refuse": {
        const message = `Container image ${name} is not present with pull policy of Never`;
        request.onEvent({ type: "Warning", reason: "ErrImageNeverPull", message });
        throw new ImagePullError("ErrImageNeverPull", message);
      }
      case "pull":
        return await this.#pull(request, reference, present);
    }
  }

  forget(backoffKey: string): void {
    for (const key of this.#backoffs.keys()) if (key.startsWith(`${backoffKey} `)) this.#backoffs.delete(key);
  }
}

function usePresent(request: EnsureImage, present: ImageInfo, why: string): ImageInfo {
  const message = `Failed to pull image ${JSON.stringify(request.image)} because the registry is unavailable; ` +
    `the one present on the machine is used: ${why}`;
  request.onEvent({ type: "Warning", reason: "FailedToPullImage", message });
  return present;
}

function parse(request: EnsureImage): Reference {
  try {
    return parseReference(request.image);
  } catch (error) {
    if (!(error instanceof InvalidReferenceError)) throw error;
    const message = `Failed to apply default image tag ${JSON.stringify(request.image)}: ${error.message}`;
    request.onEvent({ type: "Warning", reason: "InspectFailed", message });
    throw new ImagePullError("InvalidImageName", message, undefined, { cause: error });
  }
}

/** As Go prints a duration that was truncated to milliseconds: `1.204s`, `350ms`. */
function seconds(ms: number): string {
  return ms < 1000 ? `${ms}ms` : `${Number((ms / 1000).toFixed(3))}s`;
}

/** Pulls in line, at most so many at once; who asks for what is being pulled waits for that pull. */
class SharedPulls {
  readonly #running = new Map<string, Promise<Instant>>();
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(private readonly options: { engine: Engine; clock: Clock; parallel: number }) {
    this.#free = options.parallel;
  }

  /** Answers when the pull itself began. */
  pull(ref: string, auths: readonly RegistryAuth[]): Promise<Instant> {
    const key = `${ref} ${JSON.stringify(auths)}`;
    const known = this.#running.get(key);
    if (known !== undefined) return known;
    const running = this.#start(ref, auths).finally(() => this.#running.delete(key));
    this.#running.set(key, running);
    return running;
  }

  async #start(ref: string, auths: readonly RegistryAuth[]): Promise<Instant> {
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#free--;
    try {
      const startedAt = this.options.clock.now();
      await this.#tryEach(ref, auths);
      return startedAt;
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }

  /** With each password in turn, as the kubelet does; without one when there is none. */
  async #tryEach(ref: string, auths: readonly RegistryAuth[]): Promise<void> {
    let last: unknown;
    for (const auth of auths.length === 0 ? [undefined] : auths) {
      try {
        return await this.options.engine.imagePull(ref, { auth });
      } catch (error) {
        last = error;
        // Another password helps where this one was refused, and nowhere else.
        if (!isEngineError(error, "denied", "no_image")) throw error;
      }
    }
    throw last;
  }
}

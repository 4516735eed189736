/** Server-side apply: the body says all that its manager wants, and what it no longer says goes. */
import type { KubeObject } from "../../lib/kind.ts";
import { statusError } from "../../lib/status.ts";
import type { Entry } from "../cache/cache.ts";
import type { Call } from "./call.ts";
import type { WriteOptions } from "./options.ts";

export interface ApplyRequest {
  body: Uint8Array;
  options: WriteOptions;
  manager: string;
  subresource?: string;
}

export function applyPatch(_call: Call, _request: ApplyRequest): { next(old: Entry | undefined): KubeObject } {
  throw statusError("UnsupportedMediaType", "server-side apply is in work");
}

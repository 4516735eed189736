/** Subresources that are answered elsewhere: by the node of a pod, or by a port. Admission first, then where. */
import type { KubeObject } from "../../lib/kind.ts";
import { statusError } from "../../lib/status.ts";
import { admission, mutate, validate } from "./admit.ts";
import type { Call } from "./call.ts";
import { readObject } from "./get.ts";
import type { ConnectSubresource, ConnectTarget } from "./resource.ts";

/** Throws NotFound, and what admission or the kind says. */
export async function locate(call: Call, subresource: ConnectSubresource<KubeObject>): Promise<ConnectTarget> {
  const { subresource: path } = call.info;
  const id = call.info.name!;
  const name = subresource.nameIn?.(id) ?? id;
  const { object } = await readObject({ ...call, query: new URLSearchParams(), info: { ...call.info, name } });
  const admitted = admission(call, { operation: "CONNECT", name, subresource: path, dryRun: false });
  await mutate(call, admitted);
  await validate(call, admitted);
  return subresource.locate(object, call.query, call.info.parts.slice(3).join("/"), id);
}

export async function connect(call: Call, subresource: ConnectSubresource<KubeObject>): Promise<Response> {
  const target = await locate(call, subresource);
  const carry = call.core.connect;
  if (carry === undefined) throw statusError("ServiceUnavailable", "this server has no way to its nodes");
  return await carry(target, call.request, call.context);
}

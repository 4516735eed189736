/**
 * How many seats a request takes (k8s.io/apiserver/pkg/util/flowcontrol/request). Pure. Leaves out the time that telling watchers takes
 * after a write: here all of them are sent the same bytes.
 */
import { flowListSeatsMax, flowObjectsPerSeat } from "../../lib/limits.ts";
import type { RequestInfo } from "../rest/request_info.ts";

/** How many objects of a resource there are. */
export type CountObjects = (group: string, resource: string) => number;

/** `url` is looked at only where it says how much of a collection is wanted. */
export function seatsOf(info: RequestInfo, url: string, count: CountObjects): number {
  if (!info.isResource || info.name !== undefined) return 1;
  if (info.verb === "list") return seatsFor(wanted(url, count(info.group!, info.resource!)));
  if (info.verb !== "watch" || !/[?&]sendInitialEvents=(true|1)\b/.test(url)) return 1;
  return seatsFor(count(info.group!, info.resource!));
}

function wanted(url: string, stored: number): number {
  const limit = Number(/[?&]limit=(\d{1,9})\b/.exec(url)?.[1] ?? 0);
  return limit > 0 && limit < stored ? limit : stored;
}

function seatsFor(objects: number): number {
  return Math.min(flowListSeatsMax, Math.max(1, Math.ceil(objects / flowObjectsPerSeat)));
}

/** Stored entries as a resource shows them: the same entry, unless the kind is stored in the form of another version. */
import type { KubeObject } from "../../lib/kind.ts";
import { clone } from "../../lib/patch/equal.ts";
import type { Entry } from "../cache/cache.ts";
import type { Split } from "../storage/store.ts";
import type { Resource } from "./resource.ts";
import { Item, splitObject } from "./text.ts";

const views = new WeakMap<Resource, WeakMap<Entry, Entry>>();

/** The entry in the resource's own version; converted once per entry. */
export function viewOf(resource: Resource, entry: Entry): Entry {
  if (resource.convert === undefined) return entry;
  let ofResource = views.get(resource);
  if (ofResource === undefined) views.set(resource, ofResource = new WeakMap());
  let view = ofResource.get(entry);
  if (view === undefined) {
    const object = resource.convert.fromStored(clone(entry.object));
    object.metadata.resourceVersion = String(entry.revision);
    const { head, tail } = splitObject(object);
    ofResource.set(entry, view = new Item(entry.key, entry.revision, head + entry.revision + tail, object));
  }
  return view;
}

/** What is stored for an object of the resource. */
export function storedText(resource: Resource, object: KubeObject): Split {
  return splitObject(resource.convert === undefined ? object : resource.convert.toStored(object));
}

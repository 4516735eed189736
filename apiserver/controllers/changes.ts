/**
 * Informers seen through a filter, and sources that no informer stands behind. A control loop plans a key for every change that
 * its source reports; most changes of a Pod or a Node (a heartbeat, a probe's message) concern no Service.
 */
import type { Source } from "../../lib/controller/controller.ts";
import type { Change, Informer } from "../../lib/informer/informer.ts";
import type { Kind, KubeObject } from "../../lib/kind.ts";
import { same } from "./same.ts";

/** The same informer, silent about changes in which `aspect` stays equal. New and gone objects are always reported. */
export function aspectOf<T extends KubeObject>(informer: Informer<T>, aspect: (object: T) => unknown): Informer<T> {
  return filtered(
    informer,
    ({ old, now }) => old === undefined || now === undefined || !same(aspect(old), aspect(now)),
  );
}

/** The same informer, silent about the changes that `passes` refuses. */
export function filtered<T extends KubeObject>(
  informer: Informer<T>,
  passes: (change: Change<T>) => boolean,
): Informer<T> {
  return {
    get kind() {
      return informer.kind;
    },
    get revision() {
      return informer.revision;
    },
    get hasSynced() {
      return informer.hasSynced;
    },
    synced: informer.synced,
    get: (key) => informer.get(key),
    list: () => informer.list(),
    by: (index, value) => informer.by(index, value),
    reached: (revision, timeoutMs) => informer.reached(revision, timeoutMs),
    onChange: (listener) => informer.onChange((change) => passes(change) ? listener(change) : undefined),
  };
}

export interface Bell {
  readonly source: Source;
  /** Has the key planned. */
  ring(key: string): void;
}

/** A source of keys that come from the controller itself. `first` is planned at the start. */
export function createBell(
  name: string,
  first: readonly string[] = [],
  synced: Promise<void> = Promise.resolve(),
): Bell {
  const listeners = new Set<(key: string) => void>();
  const none: Kind = { group: "", version: "", kind: name, plural: `${name}.bell`, namespaced: false };
  const bell: Informer<KubeObject> = {
    kind: none,
    revision: 0,
    hasSynced: true,
    synced,
    get: () => undefined,
    list: () => [][Symbol.iterator](),
    by: () => [],
    reached: () => Promise.resolve(true),
    onChange(listener) {
      const tell = (key: string) => listener({ key, old: undefined, now: ringOf(key) });
      for (const key of first) tell(key);
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
  };
  return {
    source: { informer: bell, keysOf: (object) => [object.metadata.name] },
    ring: (key) => listeners.forEach((tell) => tell(key)),
  };
}

const ringOf = (name: string) => ({ metadata: { name } }) as KubeObject;

/**
 * What a kind declares. Data and pure, synchronous functions only: rest/ does everything that reads, writes or waits.
 * A kind is one file in registry/<group>/ that calls defineResource() and stands in registry/mod.ts.
 */
import type { Kind, KubeObject } from "../../lib/kind.ts";
import type { Definition } from "../../lib/schema/schema.ts";
import type { Random } from "../../lib/seams/random.ts";
import type { FieldError } from "../../lib/status.ts";
import type { Claim, History } from "../storage/store.ts";

export type Verb = "create" | "delete" | "deletecollection" | "get" | "list" | "patch" | "update" | "watch";

export const allVerbs: readonly Verb[] = [
  "create",
  "delete",
  "deletecollection",
  "get",
  "list",
  "patch",
  "update",
  "watch",
];

/** A column of `kubectl get` (metav1.TableColumnDefinition). */
export interface Column<T> {
  /** `Ready`; the first column is always `Name` with format `name`. */
  name: string;
  type: "string" | "integer" | "number" | "boolean" | "date";
  format?: string;
  description?: string;
  /** 0 is always shown, higher only with `-o wide`. */
  priority?: number;
  /** `now` in ms, for ages. */
  value(object: T, now: number): string | number | boolean | null;
}

/** What the cluster was configured with, as far as kinds depend on it. */
export interface ClusterConfig {
  /** `10.96.0.0/16` */
  serviceCidr: string;
  /** Inclusive. */
  nodePortRange: { from: number; to: number };
  /** `cluster.local` */
  clusterDomain: string;
}

/** What prepare functions may use besides the object. */
export interface PrepareContext {
  now: number;
  random: Random;
  config: ClusterConfig;
  user: {
    name: string;
    uid?: string;
    groups: readonly string[];
    extra?: Readonly<Record<string, readonly string[]>>;
  };
}

/** What allocate() may use: it picks, the store decides. */
export interface AllocateContext {
  config: ClusterConfig;
  random: Random;
  /** Names that other objects hold in a space of claims. Empty at the first try; filled after a pick was refused. */
  taken(space: string): ReadonlySet<string>;
  /** All objects of another kind, by its storage, as the watch cache has them. */
  objects(storage: string): readonly KubeObject[];
}

/** A claim of a write, and what to answer when it can't be met. */
export interface Allocation {
  readonly claim: Claim;
  /**
   * Set for what the client asked for itself: answered (422) when somebody else holds it, and not tried again.
   * Absent for what allocate() picked: it is called again, with `taken` filled.
   */
  readonly refused?: FieldError;
}

/** How `/scale` reads and writes a kind. */
export interface Scale<T> {
  replicas(object: T): number;
  setReplicas(object: T, replicas: number): void;
  statusReplicas(object: T): number;
  /** A label selector as a string, `app=web`. */
  selector(object: T): string;
}

/** A subresource that writes its parent with a body of another kind: `pods/binding`, `pods/ephemeralcontainers`. */
export interface ActionSubresource<T> {
  do: "write";
  verbs: readonly ("create" | "get" | "update" | "patch")[];
  /** Of the body; in discovery. */
  kind: { group: string; version: string; kind: string };
  /** Schema definition of the body. */
  definition: string;
  /** The one field that it writes, `spec.ephemeralContainers`: what an apply through it owns. */
  writes?: string;
  /** What of an applied configuration counts, where that is less than `writes`. */
  narrow?(config: Record<string, unknown>): Record<string, unknown>;
  /**
   * Changes `parent` (a copy), its metadata.generation too where that should move; the errors say why not. The parent's
   * prepareUpdate() and validateUpdate() are not called: what this changes they would undo or refuse.
   * Throws StatusError for another answer than 422.
   */
  apply(parent: T, body: KubeObject, context: PrepareContext): FieldError[];
  /** The answer to a create: what was written, or a `Success` Status (`pods/binding`). Default: the object. */
  answers?: "object" | "status";
}

/** A subresource that deletes its parent under conditions, with a body of its own: `pods/eviction`. */
export interface EvictSubresource {
  do: "evict";
  verbs: readonly ["create"];
  kind: { group: string; version: string; kind: string };
  definition: string;
}

/** A subresource that is answered by the node of the object: logs, exec, attach, portforward, proxy. */
export interface ConnectSubresource<T> {
  do: "connect";
  /** Proxies take all of them. */
  verbs: readonly ("get" | "create" | "update" | "patch" | "delete")[];
  kind: { group: string; version: string; kind: string };
  /** The object's name in that of the URL: proxies take `[scheme:]name[:port]`. Default: as it is. Throws StatusError. */
  nameIn?(id: string): string;
  /**
   * Where the node answers it. `path`: what follows the subresource, decoded; `id`: the name as the URL has it.
   * Throws StatusError when the object or the query does not allow it (which container?).
   */
  locate(object: T, query: URLSearchParams, path: string, id: string): ConnectTarget;
}

export type ConnectTarget =
  /** A path of the agent on the node with that name, query included. */
  | { to: "node"; node: string; path: string }
  /** A port of a pod or of a host, spoken to directly. */
  | { to: "address"; host: string; port: number; scheme: "http" | "https"; path: string };

export type Subresource<T> = ActionSubresource<T> | EvictSubresource | ConnectSubresource<T>;

export interface Resource<T extends KubeObject = KubeObject> extends Kind<T> {
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Its definition in lib/schema, `io.k8s.api.apps.v1.Deployment`. */
  readonly definition: string;
  /** The schema itself, for kinds that are not built in; then `definition` only names it. */
  readonly schema?: Definition;
  /** Strategic merge patch is refused (415) where the schema has no merge keys: custom resources. Default: true. */
  readonly strategicMerge: boolean;
  readonly verbs: readonly Verb[];
  /** Name of its hash in the store. Two versions of one kind share it. */
  readonly storage: string;
  /** Set when the stored form is that of another version: pure conversions to it and back. */
  readonly convert?: { toStored(object: T): KubeObject; fromStored(object: KubeObject): T };
  readonly history: History;
  /** Wrong names, in Kubernetes' words; empty when it is right. */
  readonly nameErrors: (name: string) => string[];
  /** Defaults beyond those of the schema, of metadata too. Must be idempotent. */
  defaults(object: T): void;
  /** Before a create is validated: drop what a client may not set. The generic part (uid, timestamps, status) is done. */
  prepareCreate?(object: T, context: PrepareContext): void;
  /** Before an update is validated. The generic part (status kept, immutable metadata kept, generation) is done. */
  prepareUpdate?(object: T, old: T, context: PrepareContext): void;
  validate(object: T): FieldError[];
  /** What is demanded of new objects only; validate() is called too. */
  validateCreate?(object: T): FieldError[];
  /** What may not change; validate() of the new object is called too. */
  validateUpdate?(object: T, old: T): FieldError[];
  /** True when the kind has `/status`; then create and update ignore the body's status. */
  readonly status: boolean;
  /** True when a create keeps the status that it brings (Node: kubelets register with one). Default: false. */
  readonly createsWithStatus?: boolean;
  prepareStatus?(object: T, old: T, context: PrepareContext): void;
  validateStatus?(object: T, old: T): FieldError[];
  readonly scale?: Scale<T>;
  readonly subresources: Readonly<Record<string, Subresource<T>>>;
  /**
   * Kinds whose deletion takes time: seconds of grace for this object, given what was asked for (undefined: nothing).
   * 0 deletes at once. Absent: always at once.
   */
  graceSeconds?(object: T, asked: number | undefined): number;
  /**
   * Claims of the write, and values picked into `object` (cluster IP, node port). `undefined` for what is not there.
   * Called after validation. Throws StatusError when there is nothing left to pick from.
   */
  allocate?(object: T | undefined, old: T | undefined, context: AllocateContext): Allocation[];
  /** `metadata.generation` is 1 at first and counts changes of everything but metadata and status. Default: as `status`. */
  readonly generation: boolean;
  /** False where an update must carry a resourceVersion (AllowUnconditionalUpdate). Default: true. */
  readonly unconditionalUpdate: boolean;
  /** PUT creates what is not there (AllowCreateOnUpdate). Default: false. */
  readonly createOnUpdate: boolean;
  /** DELETE answers the deleted object instead of a Status (ReturnDeletedObject). Default: false. */
  readonly returnsDeleted: boolean;
  /** What happens to dependents when the client says nothing (DefaultGarbageCollectionPolicy). Default: background. */
  readonly dependents: "background" | "orphan" | "unsupported";
  /** Further things to wait for before a deleted object goes, besides metadata.finalizers (`spec.finalizers` of a Namespace). */
  moreFinalizers?(object: T): readonly string[];
  /** When an object is marked as being deleted: what else changes in it (a Namespace's phase). */
  prepareDelete?(object: T, context: PrepareContext): void;
  /** Warnings for the client (`Warning` headers) about deprecated or doubtful fields. */
  warnings?(object: T, old: T | undefined): string[];
  /** Without Name (first) and Age, which must be declared when wanted: exactly Kubernetes' columns, in order, Name included. */
  readonly columns: readonly Column<T>[];
  /** Fields that `fieldSelector` may name, besides metadata.name and metadata.namespace. */
  readonly fields: Readonly<Record<string, (object: T) => string>>;
}

/** A kind that is posted and not stored: it has no verb but `create`. */
export interface Posted {
  group: string;
  version: string;
  kind: string;
  plural: string;
  namespaced: boolean;
  /** Schema definition of the body. */
  definition: string;
  subresourceOf?: { group: string; version: string; plural: string };
}

/** A kind whose create is that of a subresource, of the object that the body names (`bindings`: `pods/{name}/binding`). */
export interface StandIn extends Posted {
  standsFor: { plural: string; subresource: string };
}

type Optional =
  | "singular"
  | "shortNames"
  | "categories"
  | "verbs"
  | "storage"
  | "history"
  | "nameErrors"
  | "defaults"
  | "validate"
  | "status"
  | "subresources"
  | "columns"
  | "fields"
  | "strategicMerge"
  | "generation"
  | "unconditionalUpdate"
  | "createOnUpdate"
  | "returnsDeleted"
  | "dependents";

/** Fills in what most kinds have in common. */
export function defineResource<T extends KubeObject>(
  kind: Kind<T>,
  declaration: Omit<Resource<T>, keyof Kind | Optional> & Partial<Pick<Resource<T>, Optional>>,
  nameErrors: (name: string) => string[],
): Resource<T> {
  return {
    singular: kind.kind.toLowerCase(),
    shortNames: [],
    categories: [],
    verbs: allVerbs,
    storage: kind.group === "" ? kind.plural : `${kind.group}/${kind.plural}`,
    history: "main",
    nameErrors,
    defaults: () => {},
    validate: () => [],
    status: false,
    subresources: {},
    columns: [],
    fields: {},
    strategicMerge: true,
    generation: declaration.status ?? false,
    unconditionalUpdate: true,
    createOnUpdate: false,
    returnsDeleted: false,
    dependents: "background",
    ...kind,
    ...declaration,
  } as Resource<T>;
}

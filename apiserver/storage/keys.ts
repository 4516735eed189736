/** The names of everything in Redis. All begin with the prefix, so that several clusters and other users can share one. */
import { histories, type History } from "./store.ts";

export class Keys {
  readonly epoch: string;
  readonly revision: string;
  /** Set of the resources that have, or had, objects. */
  readonly resources: string;
  readonly logs: Readonly<Record<History, string>>;
  readonly logNames: readonly string[];
  /** Pub/sub channel; a message is the revision that was written. */
  readonly channel: string;

  constructor(private readonly prefix: string) {
    this.epoch = `${prefix}epoch`;
    this.revision = `${prefix}rev`;
    this.resources = `${prefix}resources`;
    this.channel = `${prefix}wake`;
    this.logs = { main: `${prefix}log:main`, lease: `${prefix}log:lease`, event: `${prefix}log:event` };
    this.logNames = histories.map((history) => this.logs[history]);
  }

  /** Hash: key → `<revision>\n<text>`. */
  objects(resource: string): string {
    return `${this.prefix}obj:${resource}`;
  }

  /** Hash: name → owner or count. */
  claims(space: string): string {
    return `${this.prefix}claim:${space}`;
  }
}

/** One question, whoever knows the answer: the cluster's records, a search path, an upstream server, or a chain of them. */
import { dnsChainMax, dnsSearchMax, dnsSearchTimeoutMs } from "../../lib/limits.ts";
import type { Clock } from "../../lib/seams/clock.ts";
import { failure, type Forwarder, type ForwardFlags } from "./forward.ts";
import { type Question, rcodes, type Rr, types } from "./message.ts";
import { type Answer, resolve, type Zone } from "./resolve.ts";
import { nameRr, targetOf, zoneTtl } from "./rr.ts";
import { type Asker, searchCandidates } from "./search.ts";

export interface ResolverOptions {
  readonly zone: Zone;
  readonly forwarder: Forwarder;
  readonly clock: Clock;
  /** The pod that has this address, when it is one of this node that uses the cluster's search path. */
  asker(address: string): Asker | undefined;
}

const refused: Answer = { ...failure, rcode: rcodes.REFUSED };
/** Types that programs look up with a search path. */
const searched: ReadonlySet<number> = new Set([
  types.A,
  types.AAAA,
  types.SRV,
  types.TXT,
  types.MX,
  types.SVCB,
  types.HTTPS,
]);

export class Resolver {
  readonly counts = { own: 0, forwarded: 0, completed: 0 };

  constructor(readonly options: ResolverOptions) {}

  /** Never rejects. */
  async resolve(question: Question, from: string, flags: ForwardFlags): Promise<Answer> {
    if (question.type === types.AXFR || question.type === types.IXFR) return refused;
    const { zone } = this.options;
    const own = resolve(zone, question);
    if (own === undefined) return await this.#forward(question, flags);
    this.counts.own++;
    if (own.follow !== undefined) return await this.#chain(own, question, flags);
    if (own.rcode !== rcodes.NXDOMAIN || !searched.has(question.type)) return own;
    const asker = this.options.asker(from);
    if (asker === undefined) return own;
    const candidates = searchCandidates(question.name.toLowerCase(), asker, zone.records.domain);
    if (candidates === undefined) return own;
    return await this.#search(own, question, candidates.slice(0, dnsSearchMax), flags);
  }

  async #forward(question: Question, flags: ForwardFlags): Promise<Answer> {
    this.counts.forwarded++;
    return await this.options.forwarder.ask(question, flags);
  }

  /** From any source, without search paths. */
  async #plain(question: Question, flags: ForwardFlags): Promise<Answer> {
    const own = resolve(this.options.zone, question);
    if (own === undefined) return await this.#forward(question, flags);
    return own.follow === undefined ? own : await this.#chain(own, question, flags);
  }

  /** Stub resolvers do not follow a CNAME themselves. */
  async #chain(answer: Answer, question: Question, flags: ForwardFlags): Promise<Answer> {
    const answers: Rr[] = [...answer.answers];
    let follow = answer.follow;
    for (let i = 0; i < dnsChainMax && follow !== undefined; i++) {
      const asked = { ...question, name: follow };
      const next = resolve(this.options.zone, asked) ?? await this.#forward(asked, flags);
      answers.push(...next.answers);
      const last = next.answers.at(-1);
      // A server that stops half-way leaves a CNAME at the end.
      follow = next.follow ??
        (last?.type === types.CNAME && question.type !== types.CNAME && next.rcode === rcodes.NOERROR &&
            next.authority.length === 0
          ? targetOf(last)
          : undefined);
      if (follow === undefined) return { ...next, answers, authoritative: false };
    }
    return { ...failure, answers: [] };
  }

  /** `own`, which is true in any case, when nothing is found or not soon: the client then walks its path itself, as everywhere. */
  async #search(own: Answer, question: Question, candidates: string[], flags: ForwardFlags): Promise<Answer> {
    const { promise: late, resolve: giveUp } = Promise.withResolvers<undefined>();
    const cancel = this.options.clock.after(dnsSearchTimeoutMs, () => giveUp(undefined));
    try {
      return await Promise.race([this.#walk(question, candidates, flags), late]) ?? own;
    } finally {
      cancel();
    }
  }

  async #walk(question: Question, candidates: string[], flags: ForwardFlags): Promise<Answer | undefined> {
    for (const candidate of candidates) {
      const found = await this.#plain({ ...question, name: candidate }, flags);
      if (found.rcode === rcodes.NXDOMAIN) continue;
      if (found.rcode !== rcodes.NOERROR) return undefined;
      this.counts.completed++;
      const ttl = Math.min(zoneTtl, ...found.answers.map((record) => record.ttl));
      return {
        ...found,
        authoritative: false,
        answers: [nameRr(question.name, types.CNAME, candidate, ttl), ...found.answers],
      };
    }
    return undefined;
  }
}

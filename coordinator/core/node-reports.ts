import { isDeepStrictEqual } from 'node:util';
import { mergeSigns, type NodeSign } from './node-sign.ts';

/** One agent process of a node; two of them are an upgrade. */
export interface Teller {
  /** Its Pod's UID and its incarnation: another stream of the same process has the same. */
  readonly agent: string;
  /** By the node's clock, milliseconds since the Unix epoch. */
  readonly startedAtMs: number;
}

/**
 * The coordinator's own watch of a node's Pods. Whatever an agent says counts for more, but one that is blind, and what is
 * from before this watch's last word.
 */
export const API_SERVER: Teller = { agent: 'the API server', startedAtMs: Number.NEGATIVE_INFINITY };

export interface NodeState {
  /** Somebody tells of its Pods. */
  readonly connected: boolean;
  /** The coordinator's own watch does. */
  readonly isWatched: boolean;
  /** Agents have told of its Pods, and none of them learns what becomes of them. */
  readonly isBlind: boolean;
  /** They are blind, and the coordinator does not watch the node in their place. */
  readonly isUnseen: boolean;
}

/** Who reports of one node, of which Pods, and what they say of the node itself. */
export class NodeReports implements NodeState {
  /** Of all Pods that the node is known to have. */
  readonly podUids = new Set<string>();
  readonly #node: string;
  /** The one that was opened first stands first. */
  readonly #sessions = new Map<string, Teller>();
  /** Sessions on which all Pods were told. */
  readonly #listed = new Set<string>();
  /** Those of the agents that do not learn what becomes of their Pods. */
  readonly #blind = new Set<string>();
  /** What each session says of the node; of those that are gone only while nobody else has said anything. */
  readonly #notices = new Map<string, readonly NodeSign[]>();
  #signs: readonly NodeSign[] = [];

  constructor(node: string) {
    this.#node = node;
  }

  get connected(): boolean {
    return this.#sessions.size > 0;
  }

  get isWatched(): boolean {
    return this.isOpen(API_SERVER);
  }

  get isBlind(): boolean {
    const told = [...this.#sessions.entries()].filter(
      ([session, { agent }]) => agent !== API_SERVER.agent && this.#listed.has(session),
    );
    return told.length > 0 && told.every(([, teller]) => this.isBlinded(teller));
  }

  get isUnseen(): boolean {
    return this.isBlind && !this.isWatched;
  }

  /** Everything that announces the node's end now. A lost stream takes none of it back (law L1). */
  get signs(): readonly NodeSign[] {
    return this.#signs;
  }

  open(session: string, teller: Teller): void {
    this.#sessions.set(session, teller);
  }

  /** @returns whether `signs` changed */
  close(session: string): boolean {
    const { agent } = this.teller(session);
    this.#sessions.delete(session);
    this.#listed.delete(session);
    if (!this.isOpen({ agent })) this.#blind.delete(agent);
    return this.#weighNotices();
  }

  /** All Pods were told on the session. */
  listed(session: string | undefined): void {
    if (session !== undefined && this.#sessions.has(session)) this.#listed.add(session);
  }

  /** Whether the agent learns what becomes of its Pods, from now on. */
  sees({ agent }: Teller, sees: boolean): void {
    if (sees) this.#blind.delete(agent);
    else if (this.isOpen({ agent })) this.#blind.add(agent);
  }

  isBlinded({ agent }: Pick<Teller, 'agent'>): boolean {
    return this.#blind.has(agent);
  }

  /** Whether the API server tells of all the node's Pods, and the agent does not know better. */
  isOutdone(teller: Teller): boolean {
    return this.isBlinded(teller) && this.hasListed(API_SERVER);
  }

  /** Whether the agent has told of all its Pods on a stream that is open. */
  hasListed({ agent }: Pick<Teller, 'agent'>): boolean {
    return [...this.#sessions].some(([session, open]) => open.agent === agent && this.#listed.has(session));
  }

  /** Whether an agent younger than `teller` is there and has told of all its Pods. */
  hasYoungerList(teller: Teller): boolean {
    return [...this.#sessions].some(([session, other]) => this.#listed.has(session) && isYounger(other, teller));
  }

  /** Who speaks on the session; one that was not opened is that of a node with a single agent. */
  teller(session: string | undefined): Teller {
    const known = session === undefined ? undefined : this.#sessions.get(session);
    return known ?? { agent: this.#node, startedAtMs: 0 };
  }

  /** Whether no open session is a younger agent's. */
  isYoungest(teller: Teller): boolean {
    return [...this.#sessions.values()].every(other => !isYounger(other, teller));
  }

  /**
   * Whether `teller` is the one to believe where it and `known` disagree: the other one is gone; or it is one that sees,
   * or the API server, and the other one is blind; or it is the younger.
   */
  supersedes(teller: Teller, known: Teller): boolean {
    if (!this.isOpen(known)) return true;
    const isBlinded = this.isBlinded(teller);
    return isBlinded === this.isBlinded(known) ? isYounger(teller, known) : !isBlinded;
  }

  isOpen({ agent }: Pick<Teller, 'agent'>): boolean {
    return [...this.#sessions.values()].some(open => open.agent === agent);
  }

  /** All that announces the node's end, as this session sees it. @returns whether `signs` changed */
  notice(session: string, signs: readonly NodeSign[]): boolean {
    this.#notices.set(session, signs);
    return this.#weighNotices();
  }

  #weighNotices(): boolean {
    const sessions = [...this.#notices.keys()];
    const silent = sessions.filter(session => !this.#sessions.has(session));
    // Somebody who is there has spoken: the last words of those who are not have had their time.
    if (silent.length < sessions.length) for (const session of silent) this.#notices.delete(session);
    const merged = mergeSigns(this.#notices.values());
    if (isDeepStrictEqual(merged, this.#signs)) return false;
    this.#signs = merged;
    return true;
  }
}

function isYounger(a: Teller, b: Teller): boolean {
  return a.startedAtMs > b.startedAtMs;
}

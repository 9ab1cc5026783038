/** A stream on which nothing comes for so long has missed two heartbeats; it is not given up yet. */
export const SILENT_STREAM_MS = 6_000;
/** An agent that is restarted, or changes its stream, is back within this time. */
export const SILENT_WITHOUT_STREAM_MS = 3_000;

interface Presence {
  /** Open streams, and whether the agent has told all its Pods on it. */
  readonly streams: Map<string, { isTold: boolean }>;
  /** Undefined until an agent of the node has spoken to this replica. */
  heardAt: number | undefined;
  /** When the last stream ended. */
  endedAt: number | undefined;
  /** Since when no agent that has told its Pods is connected. */
  missingSince: number | undefined;
}

/** Of each node, whether its agents speak to this replica. Times are monotonic milliseconds of this process. */
export class AgentPresence {
  readonly #nodes = new Map<string, Presence>();

  get nodes(): Iterable<string> {
    return this.#nodes.keys();
  }

  /** The node exists, with an agent or without. */
  expect(node: string, now: number): void {
    this.#presence(node, now);
  }

  opened(node: string, session: string, now: number): void {
    this.#presence(node, now).streams.set(session, { isTold: false });
    this.heard(node, now);
  }

  /** The agent has told of all its Pods on this stream. */
  told(node: string, session: string, now: number): void {
    const presence = this.#presence(node, now);
    presence.streams.set(session, { isTold: true });
    presence.missingSince = undefined;
    this.heard(node, now);
  }

  heard(node: string, now: number): void {
    this.#presence(node, now).heardAt = now;
  }

  closed(node: string, session: string, now: number): void {
    const presence = this.#nodes.get(node);
    if (!presence?.streams.delete(session)) return;
    if (presence.streams.size === 0) presence.endedAt = now;
    if (!isReporting(presence)) presence.missingSince ??= now;
  }

  /** There is nothing more to know of the node. Of one with an open stream there is. */
  forget(node: string): void {
    if (this.#nodes.get(node)?.streams.size === 0) this.#nodes.delete(node);
  }

  /** Whether an agent is connected that has told of all its Pods. */
  isReporting(node: string): boolean {
    const presence = this.#nodes.get(node);
    return presence !== undefined && isReporting(presence);
  }

  /** Since when no agent reports of the node; undefined while one does. */
  missingSince(node: string): number | undefined {
    return this.#nodes.get(node)?.missingSince;
  }

  hasSpoken(node: string): boolean {
    return this.#nodes.get(node)?.heardAt !== undefined;
  }

  /** When the last word came of agents that have fallen silent; undefined while they speak, or if they never did. */
  silentSince(node: string, now: number): number | undefined {
    const presence = this.#nodes.get(node);
    if (presence?.heardAt === undefined) return undefined;
    const { heardAt, endedAt, streams } = presence;
    const isGone = streams.size === 0 && endedAt !== undefined && now >= endedAt + SILENT_WITHOUT_STREAM_MS;
    return isGone || now >= heardAt + SILENT_STREAM_MS ? heardAt : undefined;
  }

  #presence(node: string, now: number): Presence {
    const known = this.#nodes.get(node);
    if (known) return known;
    const fresh: Presence = { streams: new Map(), heardAt: undefined, endedAt: undefined, missingSince: now };
    this.#nodes.set(node, fresh);
    return fresh;
  }
}

function isReporting({ streams }: Presence): boolean {
  return [...streams.values()].some(({ isTold }) => isTold);
}

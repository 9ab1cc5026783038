import { type Clock, sleep } from '../../common/clock.ts';
import type { Knowledge } from '../knowledge.ts';
import { endWatch, type PodWatchOptions, watchPods } from './pod-watch.ts';
import { isSuperNode } from './super-node.ts';

export interface PodCoverOptions extends PodWatchOptions {
  readonly clock: Clock;
  readonly knowledge: Pick<Knowledge, 'store' | 'nodes' | 'presence'>;
  /** A node whose agent is missing for so long is watched; super nodes, which have none, and those whose agent is blind, at once. */
  readonly afterMs: number;
}

interface Watch {
  /** Those that it still speaks for. */
  readonly nodes: Set<string>;
  readonly begunAt: number;
  readonly stop: AbortController;
}

const LOOK_INTERVAL_MS = 1_000;
/** Watches of single nodes; one more watch, of all Pods, serves the rest. */
const NODE_WATCHES_MAX = 64;
/** That one begins with a list of all Pods, so it does not begin anew for each node that joins. */
const WIDE_WATCH_LASTS_MS = 30_000;

/**
 * The coordinator's own eyes on nodes without an agent that sees: super nodes, and those whose agent is broken, cut off, or
 * blind since it does not reach the API server. What it tells of Pods stands back behind whatever an agent says that sees;
 * deletions are seen, but where there is no agent no hook can be held for them.
 */
export class PodCover {
  readonly #options: PodCoverOptions;
  readonly #watches = new Map<string, Watch>();
  #wide: Watch | undefined;
  /** Of all watches that have not ended, those that were stopped included. */
  readonly #running = new Set<Promise<void>>();

  constructor(options: PodCoverOptions) {
    this.#options = options;
  }

  isWatched(node: string): boolean {
    return this.#watches.has(node) || this.#wide?.nodes.has(node) === true;
  }

  get watchedNodes(): readonly string[] {
    return [...this.#watches.keys(), ...(this.#wide?.nodes ?? [])];
  }

  /** Watches what needs it until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#look();
      await sleep(this.#options.clock, LOOK_INTERVAL_MS, signal).catch(() => undefined);
    }
    for (const node of this.watchedNodes) this.#release(node);
    this.#endWide();
    await Promise.all(this.#running);
  }

  #look(): void {
    const uncovered = new Set(this.#uncovered());
    for (const node of this.watchedNodes) if (!uncovered.has(node)) this.#release(node);
    const rest: string[] = [];
    for (const node of uncovered) {
      if (this.isWatched(node)) continue;
      if (this.#watches.size < NODE_WATCHES_MAX) this.#watchAlone(node);
      else rest.push(node);
    }
    if (this.#wide?.nodes.size === 0) this.#endWide();
    if (rest.length > 0) this.#watchWide(rest);
  }

  *#uncovered(): Iterable<string> {
    const { clock, knowledge, afterMs } = this.#options;
    const now = clock.now();
    for (const node of knowledge.presence.nodes) {
      const since = knowledge.presence.missingSince(node);
      // Of a node that is gone, the last Pods are still to go.
      const isThere = knowledge.nodes.get(node) || hasAny(knowledge.store.podUidsOf(node));
      // A blind agent that changes its stream is missing for a moment.
      const waitMs = isSuperNode(node) || this.isWatched(node) ? 0 : afterMs;
      const isMissing = since !== undefined && now >= since + waitMs;
      if (isThere && (isMissing || knowledge.store.nodes.get(node)?.isBlind)) yield node;
    }
  }

  #watchAlone(node: string): void {
    this.#watches.set(node, this.#begin([node], { fieldSelector: `spec.nodeName=${node}` }));
    this.#options.log.info('no agent that sees its Pods reports of the node; they are watched from here', { node });
  }

  #watchWide(joining: readonly string[]): void {
    const before = this.#wide;
    if (before && this.#options.clock.now() < before.begunAt + WIDE_WATCH_LASTS_MS) return;
    before?.stop.abort();
    const nodes = [...(before?.nodes ?? []), ...joining];
    this.#wide = this.#begin(nodes, {});
    this.#options.log.warn('many nodes have no agent that sees and reports; all Pods are watched from here', {
      nodes: nodes.length,
    });
  }

  #begin(nodes: readonly string[], selector: { readonly fieldSelector?: string }): Watch {
    const stop = new AbortController();
    const covered = new Set(nodes);
    const done = watchPods(covered, selector, this.#options, stop.signal);
    this.#running.add(done);
    void done.finally(() => this.#running.delete(done));
    return { nodes: covered, begunAt: this.#options.clock.now(), stop };
  }

  /** An agent that sees reports of the node, or there is nothing left on it. */
  #release(node: string): void {
    this.#watches.get(node)?.stop.abort();
    this.#watches.delete(node);
    this.#wide?.nodes.delete(node);
    endWatch(node, this.#options);
  }

  #endWide(): void {
    this.#wide?.stop.abort();
    this.#wide = undefined;
  }
}

function hasAny(items: Iterable<unknown>): boolean {
  for (const _ of items) return true;
  return false;
}

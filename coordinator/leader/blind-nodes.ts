import { type Clock, sleep } from '../../common/clock.ts';
import type { Knowledge } from '../knowledge.ts';

export interface BlindNodesOptions {
  readonly clock: Clock;
  readonly knowledge: Pick<Knowledge, 'store'>;
  /** The sight of the node's agent is awaited now, or the node unseen, or is not any more. */
  readonly onChange: (node: string) => void;
}

const LOOK_INTERVAL_MS = 500;
/**
 * Longer than the API server is mostly away, and an agent then waits to ask it again (30 s). One that is blind for longer
 * counts as missing: what is new on its node serves all the same, and nobody holds its hooks.
 */
const SIGHT_AWAITED_MS = 120_000;

/** The nodes with agents that are blind, but will see soon. Begun anew by each leader. */
export class BlindNodes {
  readonly #options: BlindNodesOptions;
  readonly #blindSince = new Map<string, number>();
  /** As they were told last. */
  #awaited: ReadonlySet<string> = new Set();
  #unseen: ReadonlySet<string> = new Set();

  constructor(options: BlindNodesOptions) {
    this.#options = options;
  }

  /**
   * Whether the agent is blind, and likely to see soon. Until it does it knows of no new Pod: it holds no call of such a
   * Pod's hook, or takes it for one of the Pod that had the address before.
   */
  isSightAwaited(node: string): boolean {
    const { clock, knowledge } = this.#options;
    if (!knowledge.store.nodes.get(node)?.isBlind) return false;
    const since = this.#blindSince.get(node) ?? clock.now();
    this.#blindSince.set(node, since);
    return clock.now() < since + SIGHT_AWAITED_MS;
  }

  /**
   * Whether the agent is blind and this leader does not watch the node in its place yet: what is known of its Pods is as
   * old as the agent's blindness.
   */
  isUnseen(node: string): boolean {
    return this.#options.knowledge.store.nodes.get(node)?.isUnseen === true;
  }

  /** Looks after blind agents until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#look();
      await sleep(this.#options.clock, LOOK_INTERVAL_MS, signal).catch(() => undefined);
    }
  }

  #look(): void {
    const { knowledge, onChange } = this.#options;
    const { nodes } = knowledge.store;
    for (const node of [...this.#blindSince.keys()]) if (!nodes.get(node)?.isBlind) this.#blindSince.delete(node);
    const [awaited, unseen] = [this.#awaited, this.#unseen];
    this.#awaited = new Set([...nodes.keys()].filter(node => this.isSightAwaited(node)));
    this.#unseen = new Set([...nodes.keys()].filter(node => this.isUnseen(node)));
    for (const node of new Set([...awaited, ...unseen, ...this.#awaited, ...this.#unseen])) {
      const isOtherwise = awaited.has(node) !== this.#awaited.has(node) || unseen.has(node) !== this.#unseen.has(node);
      if (isOtherwise) onChange(node);
    }
  }
}

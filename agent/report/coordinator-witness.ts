import type { Logger } from '../../common/logger.ts';
import type { CoordinatorEnded, Welcome } from '../../proto/gen/clbdirect/v1/report.ts';
import type { ContainerExit, RuntimeSource } from '../runtime/source.ts';

export interface CoordinatorWitnessOptions {
  readonly runtime: Pick<RuntimeSource, 'runningContainers'>;
  readonly log: Logger;
  /** One more incarnation is proven to have ended; `ended` names it from now on. */
  readonly onEnded: () => void;
}

/** Whom a Welcome is from. */
type Greeting = Pick<Welcome, 'podUid' | 'incarnation' | 'coordinator'>;

/** Of each kind; two or three replicas run in a cluster, and every restart of one is another incarnation. */
const REMEMBERED_MAX = 16;

/**
 * Proves that a coordinator that ran on this node has ended, so that another one need not wait for its lease to expire.
 * The runtime is asked after the Welcome which container runs in that Pod: whoever has just spoken is in it. Only the
 * runtime's word of that very container's exit, heard as it happened, is a proof; a broken stream is none.
 */
export class CoordinatorWitness {
  readonly #options: CoordinatorWitnessOptions;
  /** Who runs in which container. */
  readonly #tied = new Map<string, CoordinatorEnded>();
  /** Containers whose exit was heard: the answer of a runtime that was asked before may still call them running. */
  readonly #exited = new Set<string>();
  readonly #ended: CoordinatorEnded[] = [];

  constructor(options: CoordinatorWitnessOptions) {
    this.#options = options;
  }

  /** The latest incarnations that are proven to have ended, the oldest first. */
  get ended(): readonly CoordinatorEnded[] {
    return this.#ended;
  }

  /** A coordinator welcomed this agent. One that runs elsewhere, or beside other containers, cannot be witnessed. */
  async welcomed({ podUid, incarnation, coordinator }: Greeting): Promise<void> {
    if (podUid === '' || incarnation === '') return;
    const [containerId, ...others] = await this.#running(podUid);
    if (containerId === undefined || others.length > 0) return;
    remember(this.#tied, containerId, { podUid, incarnation, podName: coordinator });
    if (this.#exited.has(containerId)) this.#conclude(containerId);
  }

  exited({ containerId, isLate }: ContainerExit): void {
    if (isLate) return;
    this.#exited.add(containerId);
    const [oldest] = this.#exited;
    if (this.#exited.size > REMEMBERED_MAX && oldest !== undefined) this.#exited.delete(oldest);
    this.#conclude(containerId);
  }

  async #running(podUid: string): Promise<readonly string[]> {
    try {
      return await this.#options.runtime.runningContainers(podUid);
    } catch (error) {
      this.#options.log.debug('the runtime did not tell which container a coordinator runs in', { podUid, error });
      return [];
    }
  }

  #conclude(containerId: string): void {
    const ended = this.#tied.get(containerId);
    if (!ended) return;
    this.#tied.delete(containerId);
    this.#ended.push(ended);
    if (this.#ended.length > REMEMBERED_MAX) this.#ended.shift();
    this.#options.log.info('a coordinator of this node has ended', { ...ended });
    this.#options.onEnded();
  }
}

function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > REMEMBERED_MAX && oldest !== undefined) map.delete(oldest);
}

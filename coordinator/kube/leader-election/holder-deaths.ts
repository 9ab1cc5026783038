import type { Clock } from '../../../common/clock.ts';
import type { Pod } from '../../../common/kube/objects.ts';
import type { Logger } from '../../../common/logger.ts';
import type { CoordinatorEnded } from '../../../proto/gen/clbdirect/v1/report.ts';

export interface HolderDeathsOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** Who holds the lease as far as we know; undefined before it was first read. */
  readonly holder: () => string | undefined;
  /** Asks the API server for a coordinator's Pod, within a time limit; undefined when there is none of that name. */
  readonly findPod: (name: string) => Promise<Pod | undefined>;
  /** The holder is dead, not later than `at`, monotonic. */
  readonly onProven: (identity: string, at: number) => void;
}

/** An agent's word that a replica has ended, and what the API server said to it. */
interface Testimony {
  readonly node: string;
  readonly ended: CoordinatorEnded;
  readonly heardAt: number;
  state: 'untested' | 'testing' | 'settled';
}

/** Some per replica and restart; whoever fills it with lies delays a proof until the lease runs out, no more. */
const TESTIMONIES_MAX = 64;

/**
 * Proofs that the lease's holder is dead. An agent's word counts only for Pods of its own node (law L12), so the API
 * server is asked where that replica ran; without its answer the lease runs out as usual. Agents speak as soon as they
 * are connected, which may be before this replica has read the lease: what they said is kept until it matters. What
 * was said of anybody but the holder costs no request.
 *
 * That this process runs in the holder's own Pod proves nothing: only the node knows if the container before it has ended.
 */
export class HolderDeaths {
  readonly #options: HolderDeathsOptions;
  /** By node and identity, the oldest first. */
  readonly #testimonies = new Map<string, Testimony>();

  constructor(options: HolderDeathsOptions) {
    this.#options = options;
  }

  /** The agent of `node` saw the exit of the container in which that replica ran. */
  told(node: string, ended: CoordinatorEnded): void {
    const key = `${node}/${identityOf(ended)}`;
    if (!this.#testimonies.has(key)) {
      this.#testimonies.set(key, { node, ended, heardAt: this.#options.clock.now(), state: 'untested' });
    }
    const [oldest] = this.#testimonies.keys();
    if (this.#testimonies.size > TESTIMONIES_MAX && oldest !== undefined) this.#testimonies.delete(oldest);
    this.look();
  }

  /** Call whenever the lease was read: its holder may have changed, and a question that failed is asked again. */
  look(): void {
    const holder = this.#options.holder();
    for (const testimony of this.#testimonies.values()) {
      const matters = testimony.state === 'untested' && identityOf(testimony.ended) === holder;
      if (matters) void this.#test(testimony);
    }
  }

  async #test(testimony: Testimony): Promise<void> {
    const { log, findPod, onProven } = this.#options;
    const { node, ended, heardAt } = testimony;
    const about = { leader: ended.podName, node };
    testimony.state = 'testing';
    try {
      const pod = await findPod(ended.podName);
      testimony.state = 'settled';
      if (pod?.metadata.uid !== ended.podUid || pod.spec.nodeName !== node) {
        log.warn('an agent says that the leader has ended, but it did not run there; its lease has to run out', about);
        return;
      }
      log.info('the leader has ended, its node says; taking over', about);
      onProven(identityOf(ended), heardAt);
    } catch (error) {
      testimony.state = 'untested';
      log.warn('where the leader ran could not be asked, will try again until its lease runs out', { ...about, error });
    }
  }
}

function identityOf({ podUid, incarnation }: CoordinatorEnded): string {
  return `${podUid}_${incarnation}`;
}

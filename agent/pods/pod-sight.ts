import type { Clock, Timer } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';

export interface PodSightOptions {
  readonly clock: Clock;
  readonly log: Logger;
  /** The agent sees again: what coordinators were told by others meanwhile has to give way to all that it knows. */
  readonly onSeeing: () => void;
}

/**
 * Longer than a watch takes to be opened again when its connection broke or a server restarts. A Pod that nobody knows of
 * comes to harm half a minute after its address's last owner died, so that coordinators need to hear of it sooner.
 */
const BLIND_AFTER_MS = 10_000;
/** What has happened meanwhile comes first; and a watch that ends sooner has failed. */
const SEES_AFTER_MS = 1_000;

/** Whether this agent learns of its node's Pods: it is blind while no watch of them has stood for a while. */
export class PodSight {
  readonly #options: PodSightOptions;
  #isWatching = false;
  #isBlind = false;
  #timer: Timer | undefined;

  constructor(options: PodSightOptions, signal: AbortSignal) {
    this.#options = options;
    signal.addEventListener('abort', () => this.#timer?.cancel(), { once: true });
    this.#expect(BLIND_AFTER_MS);
  }

  get isBlind(): boolean {
    return this.#isBlind;
  }

  /** The watch stands, or does so no more. */
  watching(isWatching: boolean): void {
    if (isWatching === this.#isWatching) return;
    this.#isWatching = isWatching;
    this.#timer?.cancel();
    if (isWatching === this.#isBlind) this.#expect(isWatching ? SEES_AFTER_MS : BLIND_AFTER_MS);
  }

  #expect(afterMs: number): void {
    this.#timer = this.#options.clock.schedule(afterMs, () => this.#turn());
  }

  #turn(): void {
    const { log, onSeeing } = this.#options;
    this.#isBlind = !this.#isBlind;
    if (this.#isBlind) log.warn('no watch of the Pods of this node has stood for a while: coordinators are told so');
    else {
      log.info('the Pods of this node are watched again');
      onSeeing();
    }
  }
}

import type { Clock } from '../../common/clock.ts';
import { ContainerState, type PodRecord } from '../../common/pod-record.ts';
import type { AgentMetrics } from '../metrics.ts';
import type { ContainerExit } from './source.ts';

/** Exits whose Pods have not told of them yet; a status follows within seconds. */
const WAITING_MAX = 1_024;

/** Measures how much earlier the runtime tells of an exit than the Pod watch. */
export class ExitLead {
  readonly #clock: Clock;
  readonly #metrics: Pick<AgentMetrics, 'exitWasEarlier'>;
  /** By container id, oldest first. */
  readonly #waiting = new Map<string, { readonly podUid: string; readonly at: number }>();

  constructor({ clock, metrics }: { clock: Clock; metrics: Pick<AgentMetrics, 'exitWasEarlier'> }) {
    this.#clock = clock;
    this.#metrics = metrics;
  }

  runtimeTold({ podUid, containerId, isLate }: ContainerExit): void {
    if (isLate) return;
    this.#waiting.set(containerId, { podUid, at: this.#clock.now() });
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size > WAITING_MAX && oldest !== undefined) this.#waiting.delete(oldest);
  }

  /** A record as the API server has it, without what the runtime told. */
  watchTold({ uid, containers }: PodRecord): void {
    for (const [containerId, { podUid, at }] of this.#waiting) {
      if (podUid !== uid) continue;
      const isStillSaidToRun = containers.some(
        container => container.containerId === containerId && container.state === ContainerState.RUNNING,
      );
      if (isStillSaidToRun) continue;
      this.#waiting.delete(containerId);
      this.#metrics.exitWasEarlier(this.#clock.now() - at);
    }
  }
}

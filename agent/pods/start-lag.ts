import type { Clock } from '../../common/clock.ts';
import type { Pod } from '../../common/kube/objects.ts';
import { servingContainers } from '../../common/pods/serving-containers.ts';
import type { AgentMetrics } from '../metrics.ts';

/** Pods that have not started yet; more than any node takes. */
const WAITING_MAX = 2_000;

/**
 * When the last of the Pod's containers started, as its status tells, milliseconds since the Unix epoch; undefined until all
 * of them run. Kubernetes tells it in whole seconds.
 */
export function startedAtMs({ spec, status }: Pod): number | undefined {
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])];
  const times = servingContainers(spec).map(({ name }) => {
    const { state } = statuses.find(candidate => candidate.name === name) ?? {};
    return Date.parse(state?.running?.startedAt ?? '');
  });
  const latest = Math.max(...times);
  return Number.isFinite(latest) ? latest : undefined;
}

/** Measures how long after the start of a Pod's containers the watch tells of it: mostly what the kubelet takes. */
export class StartLag {
  readonly #clock: Clock;
  readonly #metrics: Pick<AgentMetrics, 'containersStarted'>;
  /** UIDs of Pods that were seen before their containers ran, the oldest first. */
  readonly #waiting = new Set<string>();

  constructor({ clock, metrics }: { clock: Clock; metrics: Pick<AgentMetrics, 'containersStarted'> }) {
    this.#clock = clock;
    this.#metrics = metrics;
  }

  watchTold({ record, startedAtMs: started }: { record: { uid: string }; startedAtMs?: number | undefined }): void {
    if (started === undefined) {
      this.#waiting.add(record.uid);
      const [oldest] = this.#waiting;
      if (this.#waiting.size > WAITING_MAX && oldest !== undefined) this.#waiting.delete(oldest);
    } else if (this.#waiting.delete(record.uid)) {
      this.#metrics.containersStarted(Math.max(0, this.#clock.wallNow() - started));
    }
  }
}

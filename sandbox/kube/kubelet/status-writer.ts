import { sleep } from '../../../common/clock.ts';
import type { Condition, Pod } from '../../../common/kube/objects.ts';
import { Wakeup } from '../../../common/wakeup.ts';
import { hasStatus, STRATEGIC_MERGE_PATCH } from '../kube-client.ts';
import { objectPath } from '../resource-path.ts';
import { drawMs, type KubeletContext } from './kubelet-context.ts';
import type { PodStatus } from './pod-status.ts';

const RETRY_MS = 1_000;

export interface StatusWriterOptions {
  readonly context: KubeletContext;
  /** The Pod as last told by the API server. */
  readonly pod: () => Pod;
  /** What should be written now; `written` are the conditions of the last write. */
  readonly status: (written: readonly Condition[]) => PodStatus;
}

/** Writes a Pod's status some time after it changed, as the real status manager does; changes in between are one. */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #wakeup: Wakeup;
  #written: PodStatus | undefined;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
    this.#wakeup = new Wakeup(options.context.clock);
  }

  changed(): void {
    this.#wakeup.wake();
  }

  /** Until `signal` aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, timing, log } = this.#options.context;
    const pause = (delayMs: number) => sleep(clock, delayMs, signal).catch(() => undefined);
    while (!signal.aborted) {
      await this.#wakeup.wait(signal);
      await pause(drawMs(random, timing.statusMs));
      if (signal.aborted) return;
      await this.flush(signal).catch(async error => {
        if (signal.aborted) return;
        log('Pod status could not be written', { pod: this.#options.pod().metadata.name, error });
        await pause(RETRY_MS);
        this.changed();
      });
    }
  }

  /** Writes now what has changed since the last write. A Pod that is gone, or another one by now, needs none. */
  async flush(signal: AbortSignal): Promise<void> {
    const pod = this.#options.pod();
    const status = this.#options.status(this.#written?.conditions ?? []);
    if (JSON.stringify(status) === JSON.stringify(this.#written) && isTold(pod, status)) return;
    const { client } = this.#options.context;
    const body = { metadata: { uid: pod.metadata.uid }, status: asPatch(pod, status) };
    try {
      await client.patch(objectPath('pods', pod, 'status'), STRATEGIC_MERGE_PATCH, body, signal);
    } catch (error) {
      // 422: another Pod has the name, and a patch may not change its UID.
      if (!hasStatus(error, 404, 409, 422)) throw error;
    }
    this.#written = status;
  }
}

/** Whether the API server has our conditions: others may have overwritten them (the node's life cycle does). */
function isTold(pod: Pod, { conditions = [] }: PodStatus): boolean {
  const told = new Map(pod.status?.conditions?.map(({ type, status }) => [type, status]));
  return conditions.every(({ type, status }) => told.get(type) === status);
}

/** Lists are merged by key, so what shall go has to be named. */
function asPatch(pod: Pod, status: PodStatus): Record<string, unknown> {
  const addresses = (status.podIPs ?? []).map(({ ip }) => ip);
  const stale = (pod.status?.podIPs ?? []).filter(({ ip }) => !addresses.includes(ip));
  return {
    ...status,
    conditions: status.conditions?.map(condition => ({ reason: null, message: null, ...condition })),
    podIPs: [...(status.podIPs ?? []), ...stale.map(({ ip }) => ({ ip, $patch: 'delete' }))],
  };
}

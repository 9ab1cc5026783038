import { abortable } from '../../common/abortable.ts';
import type { Clock } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import { ContainerState, type PodRecord } from '../../common/pod-record.ts';
import type { ContainerExit, RuntimeSource } from '../runtime/source.ts';
import type { PodChange, PodTable } from './pod-table.ts';

export interface FirstLookOptions {
  readonly clock: Clock;
  readonly runtime: Pick<RuntimeSource, 'endedAmong'>;
  readonly table: PodTable;
  /** Called once, when the look is over, with what it found. */
  readonly onChange: (change: PodChange) => void;
  /** The runtime could not be asked; the API server is believed. */
  readonly onError: (error: unknown) => void;
}

/** What the runtime takes for one list is milliseconds; Pods that are waited for longer are not ready for longer. */
const LOOK_TIMEOUT_MS = 2_000;

/**
 * The look at the node before its Pods are reported for the first time. Its machine may just have been started anew: then
 * the API server still has the Pods as they were before, ready and with addresses that are others' by now, until the
 * kubelet has started them and said so. A container that does not run here has ended.
 */
export class FirstLook {
  readonly #options: FirstLookOptions;
  readonly #signal: AbortSignal;
  #state: 'to come' | 'under way' | 'over' = 'to come';

  constructor(options: FirstLookOptions, signal: AbortSignal) {
    this.#options = options;
    this.#signal = signal;
  }

  /** Nothing may be reported before. */
  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** Call whenever the table may have been listed. */
  tableChanged(): void {
    if (this.#state !== 'to come' || !this.#options.table.isListed) return;
    this.#state = 'under way';
    void this.#look();
  }

  async #look(): Promise<void> {
    const { table, onChange } = this.#options;
    const ended = await this.#endedAmong(table.records().flatMap(runningOf));
    this.#state = 'over';
    if (!this.#signal.aborted) onChange(merged(ended.map(exit => table.exit(exit))));
  }

  async #endedAmong(containers: readonly ContainerExit[]): Promise<readonly ContainerExit[]> {
    if (containers.length === 0) return [];
    const { clock, runtime, onError } = this.#options;
    using limit = deadline(clock, 'looking for the containers that should run', LOOK_TIMEOUT_MS, this.#signal);
    try {
      return await abortable(runtime.endedAmong(containers), limit.signal);
    } catch (error) {
      if (!this.#signal.aborted) onError(error);
      return [];
    }
  }
}

function runningOf({ uid, containers }: PodRecord): ContainerExit[] {
  return containers
    .filter(({ state }) => state === ContainerState.RUNNING)
    .map(({ name, containerId }) => ({ podUid: uid, containerName: name, containerId }));
}

function merged(changes: readonly PodChange[]): PodChange {
  return { upserts: changes.flatMap(({ upserts }) => upserts), removals: [] };
}

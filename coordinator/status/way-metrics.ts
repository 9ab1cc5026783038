import { Histogram, type Registry } from 'prom-client';
import { ENTRY_STAGES, type EntryStage, EXIT_STAGES, type ExitStage, type StageDuration } from '../core/pod-way.ts';

/** Upper bounds in seconds: a write of an idle lane takes some 0.3, a health check with CLB's defaults 15. */
const ENTRY_BUCKETS = [0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300];
const EXIT_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60, 120];

/** How long Pods take into and out of load balancers, as a whole and by stage. */
export class WayMetrics {
  readonly #entryStage: Histogram<'stage'>;
  readonly #entry: Histogram;
  readonly #exitStage: Histogram<'stage'>;
  readonly #exit: Histogram<'result'>;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#entryStage = new Histogram({
      name: 'clb_direct_pod_entry_stage_seconds',
      help: `What each stage added to the way of a Pod into its load balancers, in this order: ${ENTRY_STAGES.join(', ')}`,
      labelNames: ['stage'],
      buckets: ENTRY_BUCKETS,
      registers,
    });
    this.#entry = new Histogram({
      name: 'clb_direct_pod_entry_seconds',
      help: 'From the report that shows the containers of a Pod running to its readiness gate True, of bound Pods',
      buckets: ENTRY_BUCKETS,
      registers,
    });
    this.#exitStage = new Histogram({
      name: 'clb_direct_pod_exit_stage_seconds',
      help: `What each stage added to the way of a deleted Pod out of its load balancers, in this order: ${EXIT_STAGES.join(', ')}`,
      labelNames: ['stage'],
      buckets: EXIT_BUCKETS,
      registers,
    });
    this.#exit = new Histogram({
      name: 'clb_direct_pod_exit_seconds',
      help: 'From the report of the deletion of a bound Pod to the last stage reached before its hook was answered, by result (complete or early)',
      labelNames: ['result'],
      buckets: EXIT_BUCKETS,
      registers,
    });
    for (const stage of ENTRY_STAGES) this.#entryStage.zero({ stage });
    for (const stage of EXIT_STAGES) this.#exitStage.zero({ stage });
  }

  entered(stages: readonly StageDuration<EntryStage>[]): void {
    for (const { stage, durationMs } of stages) this.#entryStage.observe({ stage }, durationMs / 1_000);
    // A Pod that no rule wants has no way to speak of.
    if (stages.length === ENTRY_STAGES.length) this.#entry.observe(seconds(stages));
  }

  left(stages: readonly StageDuration<ExitStage>[]): void {
    for (const { stage, durationMs } of stages) this.#exitStage.observe({ stage }, durationMs / 1_000);
    this.#exit.observe({ result: stages.length === EXIT_STAGES.length ? 'complete' : 'early' }, seconds(stages));
  }
}

function seconds(stages: readonly StageDuration<string>[]): number {
  return stages.reduce((sumMs, { durationMs }) => sumMs + durationMs, 0) / 1_000;
}

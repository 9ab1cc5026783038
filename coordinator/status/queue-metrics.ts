import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { WorkQueueObserver, WorkQueueState } from '../../common/work-queue.ts';
import { QUEUE_NAMES, type QueueName } from '../observer.ts';

/** Upper bounds in seconds: from an idle queue to one that an unreachable API server holds up. */
const BUCKETS = [0.001, 0.01, 0.1, 0.5, 1, 5, 30, 120];

/** The metrics of client-go's work queues, with our prefix, of each queue of a leader. */
export class QueueMetrics {
  /** Those of the last term; empty ones by now, if this replica leads no more. */
  readonly #queues = new Map<QueueName, WorkQueueState>();
  readonly #adds: Counter<'queue'>;
  readonly #retries: Counter<'queue'>;
  readonly #waiting: Histogram<'queue'>;
  readonly #working: Histogram<'queue'>;

  constructor(registry: Registry) {
    const common = { labelNames: ['queue'] as const, registers: [registry] };
    this.#gauge(registry, 'depth', 'Keys that wait in the queue', queue => queue.length);
    this.#gauge(
      registry,
      'unfinished_work_seconds',
      'How long the keys in work have been so, added up: what rises steadily is stuck',
      queue => queue.unfinishedWorkMs() / 1_000,
    );
    this.#gauge(
      registry,
      'longest_running_processor_seconds',
      'How long the key that is longest in work has been so',
      queue => queue.longestWorkMs() / 1_000,
    );
    this.#adds = new Counter({ ...common, name: 'clb_direct_workqueue_adds_total', help: 'Keys added to the queue' });
    this.#retries = new Counter({
      ...common,
      name: 'clb_direct_workqueue_retries_total',
      help: 'Keys that are worked on again after an error',
    });
    this.#waiting = new Histogram({
      ...common,
      name: 'clb_direct_workqueue_queue_duration_seconds',
      help: 'From the moment a key is due to the beginning of its work',
      buckets: BUCKETS,
    });
    this.#working = new Histogram({
      ...common,
      name: 'clb_direct_workqueue_work_duration_seconds',
      help: 'How long the work on one key takes',
      buckets: BUCKETS,
    });
    for (const queue of QUEUE_NAMES) {
      this.#adds.inc({ queue }, 0);
      this.#retries.inc({ queue }, 0);
    }
  }

  observer(queue: QueueName): WorkQueueObserver {
    return {
      attached: state => this.#queues.set(queue, state),
      added: () => this.#adds.inc({ queue }),
      started: (_, queuedMs) => this.#waiting.observe({ queue }, queuedMs / 1_000),
      finished: (_, workMs) => this.#working.observe({ queue }, workMs / 1_000),
      retried: () => this.#retries.inc({ queue }),
    };
  }

  #gauge(registry: Registry, name: string, help: string, read: (queue: WorkQueueState) => number): void {
    const queues = this.#queues;
    new Gauge({
      name: `clb_direct_workqueue_${name}`,
      help,
      labelNames: ['queue'],
      registers: [registry],
      collect() {
        for (const queue of QUEUE_NAMES) {
          const state = queues.get(queue);
          this.set({ queue }, state ? read(state) : 0);
        }
      },
    });
  }
}

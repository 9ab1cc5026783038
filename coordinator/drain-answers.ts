import type { Clock } from '../common/clock.ts';
import { DrainState } from '../proto/gen/clbdirect/v1/report.ts';
import type { Drain } from './core/drain-ledger.ts';
import { type DrainProgress, drainProgress, type LaneView } from './core/drain-progress.ts';
import type { Knowledge } from './knowledge.ts';
import type { LeaderPorts } from './leader-ports.ts';
import type { CoordinatorObserver } from './observer.ts';

export interface DrainAnswersOptions {
  readonly knowledge: Knowledge;
  readonly ports: Pick<LeaderPorts, 'sendDrainUpdate'>;
  readonly clock: Clock;
  readonly observer: Pick<CoordinatorObserver, 'drainFinished'>;
  /** How long after weight 0 was read back new connections may still arrive. */
  readonly settleMs: number;
}

/** When a drain reached each step, as this leader saw it; the clock's milliseconds. */
export interface DrainMoments {
  readonly podUid: string;
  readonly pod: string;
  readonly requestedAt: number;
  readonly weightZeroAt?: number;
  readonly connectionsEndedAt?: number;
  readonly deregisteredAt?: number;
  readonly answeredAt?: number;
}

/** What the status page shows at the most. */
const MOMENTS_MAX = 50;

/** Tells agents how far CLB is with the Pods they hold, whenever that changes or an agent asks again (law L4). */
export class DrainAnswers {
  readonly #options: DrainAnswersOptions;
  readonly #sent = new Map<string, DrainProgress>();
  /** By Pod UID and begin, the oldest first. */
  readonly #moments = new Map<string, DrainMoments>();

  constructor(options: DrainAnswersOptions) {
    this.#options = options;
  }

  /** @param isComplete whether every load balancer that may hold a Pod of the namespace has its lane in `lanes` */
  answer(lanes: readonly LaneView[], isComplete: (namespace: string | undefined) => boolean): void {
    const { knowledge } = this.#options;
    const asked = new Set(knowledge.takeAsked());
    for (const uid of this.#sent.keys()) if (!knowledge.drains.has(uid)) this.#sent.delete(uid);
    for (const drain of knowledge.drains.values()) {
      if (drain.phase === 'answered') {
        this.#note(drain, {});
        continue;
      }
      const namespace = knowledge.store.pods.get(drain.podUid)?.record.namespace;
      const progress = drainProgress(drain, lanes, isComplete(namespace));
      const isNews = JSON.stringify(this.#sent.get(drain.podUid)) !== JSON.stringify(progress);
      if (isNews) this.#observe(drain, progress);
      else this.#note(drain, {});
      if (isNews || asked.has(drain.podUid)) this.#send(progress);
    }
  }

  /** The latest drains, newest first. */
  recent(): readonly DrainMoments[] {
    return [...this.#moments.values()].reverse();
  }

  #observe(drain: Drain, progress: DrainProgress): void {
    const { clock, observer } = this.#options;
    const now = clock.now();
    const before = this.#sent.get(drain.podUid);
    this.#sent.set(drain.podUid, progress);
    if (progress.state === 'deregistered' && before?.state !== 'deregistered')
      observer.drainFinished(now - drain.begunAt);
    this.#note(drain, {
      ...(progress.state !== 'accepted' && { weightZeroAt: now }),
      ...(progress.state === 'deregistered' && { deregisteredAt: now }),
    });
  }

  /** The first time of each step counts. */
  #note(drain: Drain, reached: Pick<DrainMoments, 'weightZeroAt' | 'deregisteredAt'>): void {
    const key = `${drain.podUid} ${drain.begunAt}`;
    const record = this.#options.knowledge.store.pods.get(drain.podUid)?.record;
    const known = this.#moments.get(key);
    const pod = record ? `${record.namespace}/${record.name}` : (known?.pod ?? drain.podUid);
    this.#moments.set(key, {
      ...(drain.phase === 'connections-ended' && { connectionsEndedAt: this.#options.clock.now() }),
      ...(drain.answeredAt !== undefined && { answeredAt: drain.answeredAt }),
      ...reached,
      ...known,
      podUid: drain.podUid,
      pod,
      requestedAt: drain.begunAt,
    });
    const [oldest] = this.#moments.keys();
    if (this.#moments.size > MOMENTS_MAX && oldest !== undefined) this.#moments.delete(oldest);
  }

  #send(progress: DrainProgress): void {
    this.#options.ports.sendDrainUpdate(progress.node, {
      podUid: progress.podUid,
      state: wireState(progress.state),
      targetPorts: progress.targetPorts.map(({ port, protocol }) => ({ port, protocol })),
      virtualAddresses: [...progress.virtualAddresses],
      settleMs: this.#options.settleMs,
    });
  }
}

function wireState(state: DrainProgress['state']): DrainState {
  switch (state) {
    case 'accepted':
      return DrainState.ACCEPTED;
    case 'weight-zero':
      return DrainState.WEIGHT_ZERO;
    case 'deregistered':
      return DrainState.DEREGISTERED;
  }
}

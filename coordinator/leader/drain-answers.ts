import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../common/clock.ts';
import { DrainState } from '../../proto/gen/clbdirect/v1/report.ts';
import type { Drain } from '../core/drain-ledger.ts';
import type { DrainProgress } from '../core/drain-progress.ts';
import { EXIT_STAGES, stageDurations } from '../core/pod-way.ts';
import type { Knowledge } from '../knowledge.ts';
import type { CoordinatorObserver } from '../observer.ts';
import type { LeaderPorts } from './leader-ports.ts';

export interface DrainAnswersOptions {
  readonly knowledge: Knowledge;
  readonly ports: Pick<LeaderPorts, 'sendDrainUpdate'>;
  readonly clock: Clock;
  readonly observer: Pick<CoordinatorObserver, 'drainFinished' | 'podLeft'>;
  /** How long after weight 0 was read back new connections may still arrive, on these load balancers. */
  readonly settleMs: (loadBalancerIds: Iterable<string>) => number;
}

/** When a drain reached each step, as this leader saw it; the clock's milliseconds. */
export interface DrainMoments {
  readonly podUid: string;
  readonly pod: string;
  /** When the deletion was reported; undefined before that, and when the hook was called for a restart. */
  readonly deletionSeenAt?: number;
  readonly requestedAt: number;
  readonly weightZeroAt?: number;
  readonly connectionsEndedAt?: number;
  readonly deregisteredAt?: number;
  readonly answeredAt?: number;
}

/** What the status page shows at the most. */
const MOMENTS_MAX = 50;

/** What an agent is told. */
interface Told extends DrainProgress {
  /** Undefined while no deletion is known. */
  readonly deletionGraceSeconds: number | undefined;
}

/** Tells agents how far CLB is with the Pods they hold, whenever that changes or an agent asks again (law L4). */
export class DrainAnswers {
  readonly #options: DrainAnswersOptions;
  readonly #sent = new Map<string, Told>();
  /** The load balancers that have held each Pod since its drain began. */
  readonly #holders = new Map<string, Set<string>>();
  /** By Pod UID and begin, the oldest first. */
  readonly #moments = new Map<string, DrainMoments>();

  constructor(options: DrainAnswersOptions) {
    this.#options = options;
  }

  /** @param progressOf how far CLB is with the drain now */
  answer(podUids: Iterable<string>, progressOf: (drain: Drain) => DrainProgress): void {
    const { knowledge } = this.#options;
    const asked = new Set(knowledge.takeAsked());
    for (const podUid of new Set([...podUids, ...asked])) {
      const drain = knowledge.drains.get(podUid);
      if (!drain) this.#forget(podUid);
      else if (drain.phase === 'answered') this.#note(drain, {});
      else this.#tell(drain, { ...progressOf(drain), ...this.#deletionOf(podUid) }, asked.has(podUid));
    }
  }

  /** The load balancers that have held the Pod since its drain began. */
  holdersOf(podUid: string): Iterable<string> {
    return this.#holders.get(podUid) ?? [];
  }

  /** The latest drains, newest first. */
  recent(): readonly DrainMoments[] {
    return [...this.#moments.values()].reverse();
  }

  /** An agent that does not reach the API server takes the hook of a deletion for that of a restart, and holds it for seconds. */
  #deletionOf(podUid: string): Pick<Told, 'deletionGraceSeconds'> {
    const deletion = this.#options.knowledge.store.pods.get(podUid)?.record.deletion;
    return { deletionGraceSeconds: deletion?.gracePeriodSeconds };
  }

  #forget(podUid: string): void {
    this.#sent.delete(podUid);
    this.#holders.delete(podUid);
  }

  #tell(drain: Drain, progress: Told, isAsked: boolean): void {
    const isNews = !isDeepStrictEqual(this.#sent.get(drain.podUid), progress);
    if (isNews) this.#observe(drain, progress);
    else this.#note(drain, {});
    if (isNews || isAsked) this.#send(progress);
  }

  #observe(drain: Drain, progress: Told): void {
    const { clock, observer } = this.#options;
    const now = clock.now();
    const before = this.#sent.get(drain.podUid);
    this.#sent.set(drain.podUid, progress);
    this.#holders.set(drain.podUid, new Set([...this.holdersOf(drain.podUid), ...progress.loadBalancerIds]));
    // What is paused was neither closed nor deregistered.
    const state = progress.isPaused ? 'accepted' : progress.state;
    if (state === 'deregistered' && before?.state !== 'deregistered') observer.drainFinished(now - drain.begunAt);
    this.#note(drain, {
      ...(state !== 'accepted' && { weightZeroAt: now }),
      ...(state === 'deregistered' && { deregisteredAt: now }),
    });
  }

  /** The first time of each step counts. */
  #note(drain: Drain, reached: Pick<DrainMoments, 'weightZeroAt' | 'deregisteredAt'>): void {
    const key = `${drain.podUid} ${drain.begunAt}`;
    const { record, deletionSeenAt } = this.#options.knowledge.store.pods.get(drain.podUid) ?? {};
    const known = this.#moments.get(key);
    const pod = record ? `${record.namespace}/${record.name}` : (known?.pod ?? drain.podUid);
    const moments: DrainMoments = {
      ...(deletionSeenAt !== undefined && { deletionSeenAt }),
      ...(drain.phase === 'connections-ended' && { connectionsEndedAt: this.#options.clock.now() }),
      ...(drain.answeredAt !== undefined && { answeredAt: drain.answeredAt }),
      ...reached,
      ...known,
      podUid: drain.podUid,
      pod,
      requestedAt: drain.begunAt,
    };
    this.#moments.set(key, moments);
    if (moments.answeredAt !== undefined && known?.answeredAt === undefined) this.#tellLeft(moments);
    const [oldest] = this.#moments.keys();
    if (this.#moments.size > MOMENTS_MAX && oldest !== undefined) this.#moments.delete(oldest);
  }

  /** A Pod that was bound and is deleted gets SIGTERM now; others have no way out to be timed. */
  #tellLeft(moments: DrainMoments): void {
    const { podUid, deletionSeenAt, requestedAt, weightZeroAt, connectionsEndedAt, deregisteredAt, answeredAt } =
      moments;
    if (deletionSeenAt === undefined || !this.#holders.get(podUid)?.size) return;
    const reached = {
      hook: requestedAt,
      'weight-zero': weightZeroAt,
      'connections-ended': connectionsEndedAt,
      deregistered: deregisteredAt,
      answered: answeredAt,
    };
    this.#options.observer.podLeft(stageDurations(EXIT_STAGES, deletionSeenAt, reached));
  }

  #send(progress: Told): void {
    this.#options.ports.sendDrainUpdate(progress.node, {
      podUid: progress.podUid,
      state: wireState(progress.state),
      targetPorts: progress.targetPorts.map(({ port, protocol }) => ({ port, protocol })),
      virtualAddresses: [...progress.virtualAddresses],
      paused: progress.isPaused,
      deletionGracePeriodSeconds: progress.deletionGraceSeconds,
      settleMs: this.#options.settleMs(this.holdersOf(progress.podUid)),
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

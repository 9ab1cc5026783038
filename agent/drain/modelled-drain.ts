import { Protocol } from '../../common/pod-record.ts';
import { DrainPhase, type DrainState, type DrainUpdate } from '../../proto/gen/clbdirect/v1/report.ts';
import type { Connection } from '../connections/source.ts';
import {
  beginDrain,
  type Drain,
  type DrainEvent,
  type DrainRequestEffect,
  type DrainStep,
  nextWakeAt,
  stepDrain,
} from './drain.ts';
import { DEFAULT_DRAIN_LIMITS, type DrainLimits } from './drain-limits.ts';
import type { DrainOutcome } from './drain-outcome.ts';
import type { PodFacts } from './pod-facts.ts';
import type { Reading } from './quiet.ts';

export const DELETED: PodFacts = {
  drainSeconds: undefined,
  applicationGraceSeconds: undefined,
  minimumHoldSeconds: undefined,
  deletionGraceSeconds: 60,
  haveContainersExited: false,
};
export const RUNNING: PodFacts = { ...DELETED, deletionGraceSeconds: undefined };
export const SETTLE_MS = 2_000;

/** For tests: runs one drain in time, with every effect answered by the test's own world. */
export class ModelledDrain {
  readonly #limits: DrainLimits;
  now = 0;
  drain: Drain;
  connections: Reading = [];
  readonly requests: DrainRequestEffect[] = [];
  /** Of each reading, whether it was to tell idle times. */
  readonly readings: { readonly at: number; readonly withIdleTimes: boolean }[] = [];
  /** What the drain had last read when it first asked for deregistering, and whether it knew of connections then. */
  deregistration: { readonly reading: Reading | undefined; readonly hasConnections: boolean } | undefined;
  #lastReading: Reading | undefined;
  outcome: DrainOutcome | undefined;
  answer: { readonly reason: DrainOutcome['reason']; readonly at: number } | undefined;

  constructor(facts: PodFacts, { connectedCoordinators = 1, observing = 0, limits = DEFAULT_DRAIN_LIMITS } = {}) {
    this.#limits = limits;
    const step = beginDrain(facts, { connected: connectedCoordinators, observing }, this.now, limits);
    this.drain = step.drain;
    this.#take(step);
  }

  step(event: DrainEvent): this {
    this.#take(stepDrain(this.drain, event, this.now, this.#limits));
    return this;
  }

  update(state: DrainState, overrides: Partial<DrainUpdate> = {}): this {
    const update: DrainUpdate = {
      podUid: 'uid-1',
      state,
      targetPorts: [{ port: 80, protocol: Protocol.TCP }],
      virtualAddresses: [],
      paused: false,
      settleMs: SETTLE_MS,
      ...overrides,
    };
    return this.step({ type: 'updated', update });
  }

  /** Ticks whenever the drain wants to be woken. */
  until(end: number): this {
    for (let wakeAt = this.#wakeBefore(end); wakeAt !== undefined; wakeAt = this.#wakeBefore(end)) {
      this.now = Math.max(this.now, wakeAt);
      this.step({ type: 'tick' });
    }
    this.now = Math.max(this.now, end);
    return this;
  }

  #wakeBefore(end: number): number | undefined {
    const wakeAt = nextWakeAt(this.drain, this.#limits);
    return wakeAt !== undefined && wakeAt <= end ? wakeAt : undefined;
  }

  #take({ drain, effects }: DrainStep): void {
    this.drain = drain;
    for (const effect of effects) {
      if (effect.type === 'request') this.#request(effect);
      else if (effect.type === 'read') this.#read(effect.withIdleTimes);
      else this.#answered(effect.outcome);
    }
  }

  get phases(): DrainPhase[] {
    return this.requests.map(({ phase }) => phase);
  }

  #request(request: DrainRequestEffect): void {
    this.requests.push(request);
    const { stage } = this.drain;
    if (request.phase !== DrainPhase.CONNECTIONS_ENDED || stage.type !== 'deregistering') return;
    this.deregistration ??= { reading: this.#lastReading, hasConnections: stage.hasConnections };
  }

  #read(withIdleTimes: boolean): void {
    this.readings.push({ at: this.now, withIdleTimes });
    this.#lastReading = withIdleTimes ? this.connections : withoutIdleTimes(this.connections);
    this.step({ type: 'read', reading: this.#lastReading });
  }

  #answered(outcome: DrainOutcome): void {
    this.outcome = outcome;
    this.answer = { reason: outcome.reason, at: this.now };
  }
}

/** An open connection; the port tells it from others. */
export function connection(remotePort: number, idleMs?: number): Connection {
  return {
    localPort: 80,
    remoteAddress: '192.0.2.1',
    remotePort,
    state: 'ESTABLISHED',
    inode: 7,
    ...(idleMs === undefined ? {} : { idleMs }),
  };
}

function withoutIdleTimes(reading: Reading): Reading {
  return reading === 'unreadable' ? reading : reading.map(({ idleMs: _, ...connection }) => connection);
}

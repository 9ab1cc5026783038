import type { Clock, Timer } from '../../common/clock.ts';
import { type ProbeRequest, type ProbeResult, ProbeOutcome as Wire } from '../../proto/gen/clbdirect/v1/report.ts';

/** A TCP port to be tried from a node. */
export interface ProbeTarget {
  readonly address: string;
  readonly port: number;
  readonly timeoutMs: number;
}

/**
 * `refused`: the address answered that nothing listens, so that the machine lives; `unreachable`: the network knows no
 * way; `declined`: not tried, because the address is none of this cluster or too many probes are under way;
 * `unanswered`: the node has no agent that says anything about it, which proves nothing about the port.
 */
export type ProbeOutcome = 'connected' | 'refused' | 'timed-out' | 'unreachable' | 'declined' | 'unanswered';

/** Probes under way on one stream; the agent itself takes fewer at once. */
const PROBES_PENDING_MAX = 32;
/** What an answer may take beyond the probe's own time. */
const ANSWER_GRACE_MS = 1_000;

interface Pending {
  readonly settle: (outcome: ProbeOutcome) => void;
}

/** The probes under way on one stream. Every one of them ends: by its answer, its deadline, its signal or the stream. */
export class Probes {
  readonly #clock: Clock;
  readonly #send: (request: ProbeRequest) => void;
  readonly #pending = new Map<number, Pending>();
  #lastId = 0;

  constructor(clock: Clock, send: (request: ProbeRequest) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  /** Rejects with the signal's reason when it aborts, and never else. */
  async probe(target: ProbeTarget, signal: AbortSignal): Promise<ProbeOutcome> {
    signal.throwIfAborted();
    if (this.#pending.size >= PROBES_PENDING_MAX) return 'declined';
    this.#lastId += 1;
    const id = this.#lastId;
    let timer: Timer | undefined;
    let onAbort = () => {};
    try {
      return await new Promise<ProbeOutcome>((resolve, reject) => {
        onAbort = () => reject(signal.reason);
        signal.addEventListener('abort', onAbort, { once: true });
        timer = this.#clock.schedule(target.timeoutMs + ANSWER_GRACE_MS, () => resolve('unanswered'));
        this.#pending.set(id, { settle: resolve });
        this.#send({ id, ...target });
      });
    } finally {
      timer?.cancel();
      signal.removeEventListener('abort', onAbort);
      this.#pending.delete(id);
    }
  }

  /** What the agent said; of a probe that nobody waits for any more nothing comes. */
  answered({ id, outcome }: Pick<ProbeResult, 'id' | 'outcome'>): void {
    this.#pending.get(id)?.settle(outcomeOf(outcome));
  }

  /** The stream is gone. */
  end(): void {
    for (const { settle } of this.#pending.values()) settle('unanswered');
  }
}

function outcomeOf(outcome: Wire): ProbeOutcome {
  switch (outcome) {
    case Wire.CONNECTED:
      return 'connected';
    case Wire.REFUSED:
      return 'refused';
    case Wire.TIMED_OUT:
      return 'timed-out';
    case Wire.UNREACHABLE:
      return 'unreachable';
    case Wire.DECLINED:
      return 'declined';
    default:
      return 'unanswered';
  }
}

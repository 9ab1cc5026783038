import type { Clock } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import { ProbeOutcome, type ProbeRequest, type ProbeResult } from '../../proto/gen/clbdirect/v1/report.ts';
import type { AgentMetrics } from '../metrics.ts';
import type { ProbeAnswer, ProbeSource } from './probe-source.ts';

export interface ProbeDeskOptions {
  readonly clock: Clock;
  readonly metrics: AgentMetrics;
  readonly source: ProbeSource;
  /** Whether an address belongs to this cluster. */
  readonly isAllowed: (address: string) => boolean;
}

/** Probes a second over a longer time, and at once: a coordinator asks about a handful of Pods. */
const PER_SECOND_MAX = 10;
const BURST_MAX = 20;
const CONCURRENT_MAX = 16;
const TIMEOUT_MAX_MS = 5_000;
const TIMEOUT_DEFAULT_MS = 1_000;
const PORT_MAX = 65_535;

const OUTCOMES: Readonly<Record<ProbeAnswer, ProbeOutcome>> = {
  connected: ProbeOutcome.CONNECTED,
  refused: ProbeOutcome.REFUSED,
  unreachable: ProbeOutcome.UNREACHABLE,
};

/**
 * Answers what coordinators ask about reachability from here, within limits that keep the node from being made a port
 * scanner: addresses of this cluster alone, so many a second, so many at a time, so long each. What is beyond a limit is
 * declined, never kept waiting.
 */
export class ProbeDesk {
  readonly #options: ProbeDeskOptions;
  #tokens = BURST_MAX;
  #filledAt: number;
  #underWay = 0;

  constructor(options: ProbeDeskOptions) {
    this.#options = options;
    this.#filledAt = options.clock.now();
  }

  /** Never rejects. */
  async answer(request: ProbeRequest): Promise<ProbeResult> {
    const { clock, metrics } = this.#options;
    const startedAt = clock.now();
    const outcome = this.#admits(request) ? await this.#connect(request) : ProbeOutcome.DECLINED;
    metrics.probeAnswered(outcome);
    return { id: request.id, outcome, roundTripMs: Math.round(clock.now() - startedAt) };
  }

  /** Only what is allowed costs a token, so that nonsense does not use up what sense needs. */
  #admits({ address, port }: ProbeRequest): boolean {
    if (port < 1 || port > PORT_MAX || !this.#options.isAllowed(address)) return false;
    return this.#underWay < CONCURRENT_MAX && this.#takeToken();
  }

  #takeToken(): boolean {
    const now = this.#options.clock.now();
    this.#tokens = Math.min(BURST_MAX, this.#tokens + ((now - this.#filledAt) / 1_000) * PER_SECOND_MAX);
    this.#filledAt = now;
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  async #connect({ address, port, timeoutMs }: ProbeRequest): Promise<ProbeOutcome> {
    const { clock, source } = this.#options;
    const limitMs = Math.min(timeoutMs || TIMEOUT_DEFAULT_MS, TIMEOUT_MAX_MS);
    using limit = deadline(clock, `probe of ${address}:${port}`, limitMs);
    this.#underWay += 1;
    try {
      return OUTCOMES[await source.connect(address, port, limit.signal)];
    } catch {
      return limit.signal.aborted ? ProbeOutcome.TIMED_OUT : ProbeOutcome.UNREACHABLE;
    } finally {
      this.#underWay -= 1;
    }
  }
}

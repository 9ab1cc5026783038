import { LatencyHistogram } from './latency-histogram.ts';
import type { LossCause } from './load-transport.ts';

/** `fresh`: one short request on a connection of its own. `long`: one that the server holds. */
export type RequestKind = 'fresh' | 'keepAlive' | 'long';

export interface Loss {
  readonly cause: LossCause;
  readonly detail: string;
  readonly kind: RequestKind;
  /** The client's address; empty when the system chose it. */
  readonly client: string;
  /** Who answered on this connection before, or answered wrongly; empty when nobody did. */
  readonly pod: string;
  /** Wall time in milliseconds. */
  readonly startedAt: number;
  readonly lostAt: number;
}

export interface LoadReport {
  /** = ok + the sum of `lost` + endedByApplication. */
  readonly sent: number;
  readonly sentByKind: Readonly<Record<RequestKind, number>>;
  readonly ok: number;
  readonly lostTotal: number;
  readonly lost: Readonly<Record<LossCause, number>>;
  /** Requests that outlived the budget of their Pod and were then ended by the application itself. */
  readonly endedByApplication: number;
  /** Keep-alive connections that the server closed between two requests: no loss, the client opens another. */
  readonly closedBetweenRequests: number;
  /** Requests that were due while as many as allowed were under way: the target is too slow for the rate. */
  readonly notSent: number;
  /** Of answered requests that are not long; 0 when there are none. */
  readonly latency: { readonly p50Ms: number; readonly p99Ms: number };
  readonly answersByPod: Readonly<Record<string, number>>;
  /** The first losses, for a person and for `withEndedByApplication`; the others are only counted. */
  readonly losses: readonly Loss[];
  /** Wall time of the first slot. */
  readonly startedAt: number;
  readonly timeline: readonly TimelineSlot[];
}

/** What began, and what was found lost, in 100 ms. */
export interface TimelineSlot {
  readonly sent: number;
  readonly lost: number;
}

export const TIMELINE_SLOT_MS = 100;
const LOSSES_KEPT_MAX = 10_000;
/** More Pods than any Service of a test has. */
const PODS_MAX = 10_000;

/** Counts what becomes of the requests of one run. */
export class Tally {
  readonly #startedAt: number;
  readonly #sentByKind = { fresh: 0, keepAlive: 0, long: 0 };
  readonly #lost = { refused: 0, reset: 0, timedOut: 0, truncated: 0, status: 0, wrongPod: 0, other: 0 };
  readonly #latencies = new LatencyHistogram();
  readonly #answersByPod = new Map<string, number>();
  readonly #losses: Loss[] = [];
  readonly #timeline: { sent: number; lost: number }[] = [];
  #ok = 0;
  #closedBetweenRequests = 0;
  #notSent = 0;

  /** @param startedAt milliseconds, before all other times of the run. */
  constructor(startedAt: number) {
    this.#startedAt = startedAt;
  }

  countSent(kind: RequestKind, at: number): void {
    this.#sentByKind[kind] += 1;
    this.#slot(at).sent += 1;
  }

  countOk(kind: RequestKind, pod: string, latencyMs: number): void {
    this.#ok += 1;
    if (kind !== 'long') this.#latencies.record(latencyMs);
    if (pod === '' || (this.#answersByPod.size >= PODS_MAX && !this.#answersByPod.has(pod))) return;
    this.#answersByPod.set(pod, (this.#answersByPod.get(pod) ?? 0) + 1);
  }

  countLost(loss: Loss): void {
    this.#lost[loss.cause] += 1;
    this.#slot(loss.lostAt).lost += 1;
    if (this.#losses.length < LOSSES_KEPT_MAX) this.#losses.push(loss);
  }

  countClosedBetweenRequests(): void {
    this.#closedBetweenRequests += 1;
  }

  countNotSent(): void {
    this.#notSent += 1;
  }

  get sent(): number {
    return sum(this.#sentByKind);
  }

  get ok(): number {
    return this.#ok;
  }

  get lost(): number {
    return sum(this.#lost);
  }

  /** What is counted up to now. */
  report(): LoadReport {
    return {
      sent: this.sent,
      sentByKind: { ...this.#sentByKind },
      ok: this.#ok,
      lostTotal: this.lost,
      lost: { ...this.#lost },
      endedByApplication: 0,
      closedBetweenRequests: this.#closedBetweenRequests,
      notSent: this.#notSent,
      latency: { p50Ms: this.#latencies.quantileMs(0.5), p99Ms: this.#latencies.quantileMs(0.99) },
      answersByPod: Object.fromEntries([...this.#answersByPod].sort(([a], [b]) => a.localeCompare(b))),
      losses: [...this.#losses],
      startedAt: this.#startedAt,
      timeline: this.#timeline.map(slot => ({ ...slot })),
    };
  }

  #slot(at: number): { sent: number; lost: number } {
    const index = slotIndex(at, this.#startedAt);
    while (this.#timeline.length <= index) this.#timeline.push({ sent: 0, lost: 0 });
    return this.#timeline[index] as { sent: number; lost: number };
  }
}

/** The report with the losses that `isEnded` names counted apart: only when all is over the moments of every Pod are known. */
export function withEndedByApplication(report: LoadReport, isEnded: (loss: Loss) => boolean): LoadReport {
  const ended = new Set(report.losses.filter(isEnded));
  const lost = { ...report.lost };
  const timeline = report.timeline.map(slot => ({ ...slot }));
  for (const { cause, lostAt } of ended) {
    lost[cause] -= 1;
    const slot = timeline[slotIndex(lostAt, report.startedAt)];
    if (slot) slot.lost -= 1;
  }
  return {
    ...report,
    ...{ lost, lostTotal: sum(lost), timeline },
    endedByApplication: report.endedByApplication + ended.size,
    losses: report.losses.filter(loss => !ended.has(loss)),
  };
}

function slotIndex(at: number, startedAt: number): number {
  return Math.floor((at - startedAt) / TIMELINE_SLOT_MS);
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((total, count) => total + count, 0);
}

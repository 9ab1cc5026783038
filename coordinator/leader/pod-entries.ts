import { ContainerState, GateState, type PodRecord } from '../../common/pod-record.ts';
import type { GateReason } from '../core/gate.ts';
import { ENTRY_STAGES, type EntryStage, stageDurations } from '../core/pod-way.ts';
import type { StoredPod } from '../core/report-store.ts';
import type { CoordinatorObserver } from '../observer.ts';

/** What a closed gate waits for, and since when. */
interface Wait {
  readonly reason: GateReason;
  /** Begins anew when the gate begins or ends to wait for the Pod itself. */
  readonly since: number;
}

interface Entry {
  /** When a report first showed its containers running; undefined when that was before this term. */
  readonly beganAt: number | undefined;
  readonly reached: { readonly [stage in EntryStage]?: number };
  readonly wait: Wait | undefined;
}

export interface PodEntriesOptions {
  readonly observer: Pick<CoordinatorObserver, 'podEntered'>;
  /** When the term began: of what was on its way before, the beginning is not known. */
  readonly startedAt: number;
}

/** Pods on their way in that are followed at a time; more are served all the same, and not timed. */
const ENTRIES_MAX = 100_000;
const NOBODY: Entry = { beganAt: undefined, reached: {}, wait: undefined };

/** How far each Pod with a closed gate has come, and when; all times are the clock's milliseconds. */
export class PodEntries {
  readonly #options: PodEntriesOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: PodEntriesOptions) {
    this.#options = options;
  }

  /** Another thing is known of the Pod than before. */
  reported(podUid: string, stored: StoredPod | undefined, now: number): void {
    if (!stored || stored.deletionSeenAt !== undefined || stored.record.gate !== GateState.CLOSED) {
      this.#entries.delete(podUid);
      return;
    }
    const entry = this.#entries.get(podUid) ?? NOBODY;
    const isNews = entry.beganAt === undefined && stored.firstSeenAt >= this.#options.startedAt;
    if (isNews && isStarted(stored.record)) this.#put(podUid, { ...entry, beganAt: now });
  }

  /**
   * The leader looked at the Pod's gate.
   * @param stages those reached now, beside the look itself
   * @param reason what keeps the gate closed; undefined when nothing does
   */
  looked(podUid: string, stages: readonly EntryStage[], reason: GateReason | undefined, now: number): void {
    const entry = this.#entries.get(podUid) ?? NOBODY;
    if (entry === NOBODY && reason === undefined) return;
    const reached: { [stage in EntryStage]?: number } = { merged: now };
    for (const stage of stages) reached[stage] = now;
    this.#put(podUid, {
      ...entry,
      reached: { ...reached, ...entry.reached },
      wait: waitAfter(entry.wait, reason, now),
    });
  }

  /** The API server has the gate as True. */
  opened(podUid: string, now: number): void {
    const entry = this.#entries.get(podUid);
    this.#entries.delete(podUid);
    if (entry?.beganAt === undefined) return;
    const stages = stageDurations(ENTRY_STAGES, entry.beganAt, { ...entry.reached, gate: now });
    this.#options.observer.podEntered(stages);
  }

  /** What closed gates wait for, one entry for each Pod. */
  *waits(): Iterable<Wait> {
    for (const { wait } of this.#entries.values()) if (wait) yield wait;
  }

  /** Pods whose gates have waited so long for something other than the Pod itself, and for what. */
  *waitingLongerThan(durationMs: number, now: number): Iterable<{ podUid: string; reason: GateReason }> {
    for (const [podUid, { wait }] of this.#entries) {
      if (wait && !isForPod(wait.reason) && now - wait.since >= durationMs) yield { podUid, reason: wait.reason };
    }
  }

  #put(podUid: string, entry: Entry): void {
    if (this.#entries.size < ENTRIES_MAX || this.#entries.has(podUid)) this.#entries.set(podUid, entry);
  }
}

function isStarted({ containers }: PodRecord): boolean {
  return containers.every(({ state }) => state === ContainerState.RUNNING);
}

function waitAfter(before: Wait | undefined, reason: GateReason | undefined, now: number): Wait | undefined {
  if (reason === undefined) return undefined;
  const isSameSide = before && isForPod(before.reason) === isForPod(reason);
  return { reason, since: isSameSide ? before.since : now };
}

function isForPod(reason: GateReason): boolean {
  return reason === 'WaitingForPod';
}

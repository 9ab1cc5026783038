import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../common/clock.ts';
import type { RuleOwner } from '../core/rule.ts';
import { isNotice, type Problem } from '../loadbalancers/problem.ts';

export type ProblemSubject = RuleOwner;

export interface ProblemBoardOptions {
  readonly clock: Clock;
  readonly tell: (subject: ProblemSubject, problem: Problem) => void;
}

/** A problem that lasts is told again after this long, so that its Event does not age out. */
const TELL_AGAIN_MS = 60_000;
const SOURCES_MAX = 100_000;

interface Entry {
  readonly subject: ProblemSubject;
  readonly problems: readonly Problem[];
  readonly toldAt: number;
}

/**
 * What is wrong now with which Service, told when it arises and again while it lasts. Every source has the last word
 * about its own problems.
 */
export class ProblemBoard {
  readonly #options: ProblemBoardOptions;
  readonly #entries = new Map<string, Entry>();
  /** Problems without an end of their own: when each was told last, the oldest first. */
  readonly #toldAt = new Map<string, number>();

  constructor(options: ProblemBoardOptions) {
    this.#options = options;
  }

  /** All that `source` has against the Service now; none takes back what it had. */
  put(subject: ProblemSubject, source: string, problems: readonly Problem[]): void {
    const key = `${subject.uid} ${source}`;
    const known = this.#entries.get(key);
    if (problems.length === 0) {
      this.#entries.delete(key);
      return;
    }
    const fresh = problems.filter(each => !known?.problems.some(told => isDeepStrictEqual(told, each)));
    if (!known && this.#entries.size >= SOURCES_MAX) return;
    const toldAt = known?.toldAt ?? this.#options.clock.now();
    this.#entries.set(key, { subject, problems, toldAt });
    for (const each of fresh) this.#options.tell(subject, each);
  }

  /** Something that went wrong once; the same is told again only after a while. */
  note(subject: ProblemSubject, problem: Problem): void {
    const key = `${subject.uid} ${problem.code} ${problem.message}`;
    const now = this.#options.clock.now();
    for (const [other, at] of this.#toldAt) {
      if (now - at < TELL_AGAIN_MS) break;
      this.#toldAt.delete(other);
    }
    if (this.#toldAt.has(key) || this.#toldAt.size >= SOURCES_MAX) return;
    this.#toldAt.set(key, now);
    this.#options.tell(subject, problem);
  }

  /** Tells again what still lasts. */
  remind(): void {
    const now = this.#options.clock.now();
    for (const [key, entry] of this.#entries) {
      if (now - entry.toldAt < TELL_AGAIN_MS) continue;
      this.#entries.set(key, { ...entry, toldAt: now });
      for (const each of entry.problems) if (!isNotice(each)) this.#options.tell(entry.subject, each);
    }
  }

  /** The Service is gone. */
  forget(serviceUid: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(`${serviceUid} `)) this.#entries.delete(key);
  }
}

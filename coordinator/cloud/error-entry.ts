import type { CloudError } from './types.ts';

/** One line of docs/errors.md. Codes are stable: none is ever given another meaning. */
export interface CloudErrorEntry {
  readonly code: `CD2${string}`;
  readonly class: CloudError['class'];
  readonly blames: CloudError['blames'];
  /** A write that ended so may have been done all the same. */
  readonly outcomeUnknown?: true;
  readonly notFound?: true;
  readonly meaning: string;
  readonly cause: string;
  readonly fix: string;
}

export interface AnswerPattern {
  /** Each stands for itself and for everything below it (`X` also for `X.Y`). */
  readonly cloudCodes: readonly string[];
  /** When given, the message must match too. */
  readonly text?: RegExp;
}

/** An error that CLB itself tells. */
export interface AnsweredErrorEntry extends CloudErrorEntry {
  /** The answers that it stands for. */
  readonly matches: readonly AnswerPattern[];
}

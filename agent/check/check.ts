import { abortable } from '../../common/abortable.ts';
import type { Clock } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';

/** One thing the agent needs of its node. */
export interface Check {
  readonly name: string;
  /** What the agent does when it is missing; undefined for what it cannot do without. */
  readonly without?: string;
  /** What to do when it is missing and the cause does not tell better; one line. */
  readonly remedy: string;
  /** Resolves with what was found, in a few words. @throws what is in the way */
  readonly look: (signal: AbortSignal) => Promise<string>;
}

export interface CheckResult extends Pick<Check, 'name' | 'without'> {
  readonly finding:
    | { readonly type: 'found'; readonly what: string }
    | { readonly type: 'missing'; readonly cause: string; readonly remedy: string };
}

/** Something is in the way, with a remedy of its own. */
export class CheckError extends Error {
  override readonly name = 'CheckError';
  readonly remedy: string;
  constructor(cause: string, remedy: string) {
    super(cause);
    this.remedy = remedy;
  }
}

/** Of each check; all of them look at the same time. */
const LOOK_TIMEOUT_MS = 2_000;

/** Never rejects. */
export function runChecks(clock: Clock, checks: readonly Check[]): Promise<CheckResult[]> {
  return Promise.all(
    checks.map(async ({ look, remedy, ...check }): Promise<CheckResult> => {
      using limit = deadline(clock, 'the look', LOOK_TIMEOUT_MS);
      try {
        return { ...check, finding: { type: 'found', what: await abortable(look(limit.signal), limit.signal) } };
      } catch (error) {
        const cause = error instanceof Error ? error.message : String(error);
        const better = error instanceof CheckError ? error.remedy : remedy;
        return { ...check, finding: { type: 'missing', cause, remedy: better } };
      }
    }),
  );
}

/** Whether everything is there that the agent cannot do without. */
export function isComplete(results: readonly CheckResult[]): boolean {
  return results.every(({ finding, without }) => finding.type === 'found' || without !== undefined);
}

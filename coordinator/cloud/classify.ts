import { DeadlineExceededError } from '../../common/deadline.ts';
import { ANSWERED } from './answered-errors.ts';
import { MALFORMED, NO_ANSWER, NO_KEY, NOT_SENT, TASK_FAILED, TOO_LATE, UNKNOWN_CODE } from './error-catalogue.ts';
import type { AnsweredErrorEntry, AnswerPattern, CloudErrorEntry } from './error-entry.ts';
import { MalformedReplyError, NotSentError, TaskFailedError } from './failures.ts';
import { RateLimiterFullError } from './limiter.ts';
import { ClbApiError, ClbConnectionError, ClbCredentialsError } from './transport.ts';
import type { CloudError } from './types.ts';

/**
 * What a failed call means.
 * @throws the error itself when it is none that calling CLB can end in: then it is a bug of ours.
 */
export function classify(action: string, error: unknown): CloudError {
  const entry = entryFor(error);
  return {
    class: entry.class,
    blames: entry.blames,
    code: entry.code,
    cloudCode: error instanceof ClbApiError ? error.code : '',
    action,
    message: describe(action, error),
    requestId: error instanceof ClbApiError ? error.requestId : '',
    hint: entry.fix,
    outcomeUnknown: entry.outcomeUnknown === true && !isRead(action),
    notFound: entry.notFound === true,
  };
}

/** Actions that change nothing. */
function isRead(action: string): boolean {
  return action.startsWith('Describe');
}

function entryFor(error: unknown): CloudErrorEntry {
  if (error instanceof ClbApiError) return answeredEntry(error) ?? UNKNOWN_CODE;
  if (error instanceof DeadlineExceededError) return TOO_LATE;
  if (error instanceof MalformedReplyError) return MALFORMED;
  if (error instanceof ClbCredentialsError) return NO_KEY;
  if (error instanceof TaskFailedError) return TASK_FAILED;
  if (error instanceof RateLimiterFullError || error instanceof NotSentError) return NOT_SENT;
  if (error instanceof ClbConnectionError) return NO_ANSWER;
  throw error;
}

function answeredEntry(error: ClbApiError): AnsweredErrorEntry | undefined {
  const fitting = ANSWERED.map(entry => ({
    entry,
    closeness: Math.max(...entry.matches.map(each => closenessOf(each, error))),
  }));
  return fitting.filter(({ closeness }) => closeness > 0).toSorted((one, other) => other.closeness - one.closeness)[0]
    ?.entry;
}

/** How closely the pattern describes the answer: 0 if it does not, more for a longer code, a bit more with a text. */
function closenessOf({ cloudCodes, text }: AnswerPattern, error: ClbApiError): number {
  if (text?.test(error.message) === false) return 0;
  const codes = cloudCodes.filter(code => error.code === code || error.code.startsWith(`${code}.`));
  const longest = Math.max(0, ...codes.map(code => code.length));
  return longest > 0 && text ? longest + 0.5 : longest;
}

function describe(action: string, error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.startsWith(action) ? text : `${action}: ${text}`;
}

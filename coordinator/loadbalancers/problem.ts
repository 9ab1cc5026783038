import { PROBLEMS, type ProblemEntry } from './problem-catalogue.ts';

/** Something a user has to see on the object; `code` is documented in docs/errors.md. */
export interface Problem {
  readonly code: string;
  /** CamelCase, the Event's reason. */
  readonly reason: string;
  /** Names the object, the cause and the next step. */
  readonly message: string;
}

/** A problem of the catalogue. Those of the cloud carry the code of the cloud's error instead. */
export function problem(code: (typeof PROBLEMS)[number]['code'], message: string): Problem {
  const entry = PROBLEMS.find(candidate => candidate.code === code);
  if (!entry) throw new Error(`${code} is not in the catalogue`);
  return { code, reason: entry.reason, message };
}

/** Nobody has to do anything about it. */
export function isNotice({ code }: Problem): boolean {
  const entry: ProblemEntry | undefined = PROBLEMS.find(candidate => candidate.code === code);
  return entry?.isNotice === true;
}

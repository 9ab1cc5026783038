/**
 * Where the sandbox answers otherwise than the real server, and why that is accepted. What is not listed must agree, and
 * what is listed must still differ.
 */
export interface Difference {
  /** Name of a request in `requests.ts` or of a story in `stories.ts`. */
  readonly of: string;
  /** Dotted path; what stands below it is covered too. */
  readonly path: string;
  readonly reason: string;
}

export const differences: readonly Difference[] = [];

/** Whether a difference speaks of this path. */
export function covers(difference: Difference, path: string): boolean {
  return path === difference.path || path.startsWith(`${difference.path}.`);
}

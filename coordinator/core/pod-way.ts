/**
 * A Pod's way in, after a report that shows all its containers running: a leader looked at it (merged), every rule has it
 * registered (accepted), its containers are ready, CLB finds it healthy everywhere, its weight was read back everywhere
 * (open), and the API server has its gate as True.
 */
export const ENTRY_STAGES = ['merged', 'accepted', 'containers-ready', 'healthy', 'open', 'gate'] as const;
export type EntryStage = (typeof ENTRY_STAGES)[number];

/**
 * A Pod's way out, after the report of its deletion: its hook was called, weight 0 was read back, its agent saw its
 * connections ended, its absence was read back, and the hook was answered, upon which the kubelet sends SIGTERM.
 */
export const EXIT_STAGES = ['hook', 'weight-zero', 'connections-ended', 'deregistered', 'answered'] as const;
export type ExitStage = (typeof EXIT_STAGES)[number];

export interface StageDuration<S> {
  readonly stage: S;
  readonly durationMs: number;
}

/**
 * What each stage added to the way. One that was over before an earlier one added nothing, so that all of them sum up to
 * the whole. Ends at the first stage that was never reached.
 * @param reached when each stage was first reached; the clock's milliseconds, like `beganAt`
 */
export function stageDurations<S extends string>(
  order: readonly S[],
  beganAt: number,
  reached: { readonly [stage in S]?: number | undefined },
): StageDuration<S>[] {
  const durations: StageDuration<S>[] = [];
  let latest = beganAt;
  for (const stage of order) {
    const at = reached[stage];
    if (at === undefined) break;
    durations.push({ stage, durationMs: Math.max(0, at - latest) });
    latest = Math.max(latest, at);
  }
  return durations;
}

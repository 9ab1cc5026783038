import type { AnswerReason } from './drain/answer-reason.ts';

/** What the agent counts. One method per fact, so that the parts know nothing of Prometheus. */
export interface AgentMetrics {
  podsKnown(count: number): void;
  podListOrWatchFailed(): void;
  runtimeFailed(): void;
  streamsConnected(count: number): void;
  streamFailed(kind: string): void;
  podMessageSent(type: 'snapshot' | 'delta'): void;
  resyncRequested(): void;
  hooksHeld(count: number): void;
  hookAnswered(reason: AnswerReason, heldMs: number): void;
  hookRefused(reason: string): void;
  connectionReadFailed(): void;
  redirectReplaced(outcome: 'success' | 'failure'): void;
}

/** Counts nothing; for runs whose numbers nobody reads. */
export function noMetrics(): AgentMetrics {
  const ignore = () => {};
  return {
    podsKnown: ignore,
    podListOrWatchFailed: ignore,
    runtimeFailed: ignore,
    streamsConnected: ignore,
    streamFailed: ignore,
    podMessageSent: ignore,
    resyncRequested: ignore,
    hooksHeld: ignore,
    hookAnswered: ignore,
    hookRefused: ignore,
    connectionReadFailed: ignore,
    redirectReplaced: ignore,
  };
}

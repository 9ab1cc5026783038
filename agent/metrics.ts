import type { PodRecord } from '../common/pod-record.ts';
import type { NodeSignKind, ProbeOutcome, ReportRequest } from '../proto/gen/clbdirect/v1/report.ts';
import type { AnswerReason } from './drain/answer-reason.ts';
import type { PeerKind } from './drain/counted-connections.ts';
import type { DrainStageName } from './drain/drain-outcome.ts';
import type { HookRefusal } from './drain/http-hook-server.ts';
import type { StreamFailure, StreamStatus } from './report/stream-status.ts';
import type { RuntimeExitKind } from './runtime/exit-kind.ts';

/** What the agent counts. One method per fact, so that the parts know nothing of Prometheus. */
export interface AgentMetrics {
  /** Says where a scrape finds the Pods that are reported. */
  observePods(records: () => readonly PodRecord[]): void;
  podListOrWatchFailed(): void;
  /** The watch told `lagMs` later that the containers of a Pod have started. */
  containersStarted(lagMs: number): void;
  runtimeFailed(): void;
  /** Whether exits come from the runtime at the moment. */
  runtimeFollowed(isFollowed: boolean): void;
  /** Events may have been lost. */
  runtimeGap(): void;
  runtimeExit(kind: RuntimeExitKind): void;
  runtimeOutOfMemory(): void;
  runtimeEventMalformed(): void;
  /** The runtime told of an exit `leadMs` before the Pod watch. */
  exitWasEarlier(leadMs: number): void;
  nodeListOrWatchFailed(): void;
  /** What announces the node's end now, all of it. */
  nodeSigns(kinds: readonly NodeSignKind[]): void;
  probeAnswered(outcome: ProbeOutcome): void;
  streamsConnected(count: number): void;
  streamFailed(kind: StreamFailure): void;
  /** Says where a scrape finds how each coordinator's stream is doing. */
  observeStreams(streams: () => readonly StreamStatus[]): void;
  podMessageSent(type: 'snapshot' | 'delta', message: ReportRequest): void;
  /** A coordinator has a change that the agent knew of `lagMs` before. */
  podMessageAcknowledged(lagMs: number): void;
  resyncRequested(): void;
  hooksHeld(count: number): void;
  hookAnswered(reason: AnswerReason, heldMs: number): void;
  drainStageEnded(stage: DrainStageName, durationMs: number): void;
  /** Connections of the Pods that are being drained, as last read. */
  connectionsWhileDraining(kind: PeerKind, count: number): void;
  hookRefused(reason: HookRefusal): void;
  connectionReadFailed(): void;
  redirectWritten(outcome: 'success' | 'failure'): void;
  /** Somebody else had changed or removed the rule. */
  redirectRepaired(): void;
  /** Whether preStop calls of this node come to this agent. */
  redirectOwned(isOwner: boolean): void;
  eventLoopDelayed(delayMs: number): void;
}

/** Counts nothing; for runs whose numbers nobody reads. */
export function noMetrics(): AgentMetrics {
  const ignore = () => {};
  return {
    observePods: ignore,
    podListOrWatchFailed: ignore,
    containersStarted: ignore,
    runtimeFailed: ignore,
    runtimeFollowed: ignore,
    runtimeGap: ignore,
    runtimeExit: ignore,
    runtimeOutOfMemory: ignore,
    runtimeEventMalformed: ignore,
    exitWasEarlier: ignore,
    nodeListOrWatchFailed: ignore,
    nodeSigns: ignore,
    probeAnswered: ignore,
    streamsConnected: ignore,
    streamFailed: ignore,
    observeStreams: ignore,
    podMessageSent: ignore,
    podMessageAcknowledged: ignore,
    resyncRequested: ignore,
    hooksHeld: ignore,
    hookAnswered: ignore,
    drainStageEnded: ignore,
    connectionsWhileDraining: ignore,
    hookRefused: ignore,
    connectionReadFailed: ignore,
    redirectWritten: ignore,
    redirectRepaired: ignore,
    redirectOwned: ignore,
    eventLoopDelayed: ignore,
  };
}

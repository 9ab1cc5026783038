import type { PodRecord } from '../../common/pod-record.ts';
import type { DrainRequest } from '../../proto/gen/clbdirect/v1/report.ts';
import type { NodeSign } from '../core/node-sign.ts';

/**
 * What agents tell the core, in the order in which they told it. `node` is proven by the agent's token; everything else
 * is the agent's word. Whether a Pod of a `drain` or a `delta` is really this node's is for the report store to judge,
 * which alone knows the other nodes (law L12).
 */
export type ReportEvent =
  | SessionOpened
  | {
      readonly type: 'snapshot';
      readonly node: string;
      readonly session: string;
      readonly epoch: string;
      readonly pods: readonly PodRecord[];
      /** Only then does a Pod's absence mean anything (law L1). */
      readonly consistent: boolean;
      /** The agent does not learn what becomes of its Pods. Left out: it does. */
      readonly isBlind?: boolean;
    }
  | {
      readonly type: 'delta';
      readonly node: string;
      readonly session: string;
      readonly upserts: readonly PodRecord[];
      /** UIDs of Pods whose deletion the agent saw. */
      readonly removals: readonly string[];
    }
  | { readonly type: 'heard'; readonly node: string; readonly session: string }
  /** From now on the agent does not learn what becomes of its Pods, until its next snapshot says otherwise. */
  | { readonly type: 'blinded'; readonly node: string; readonly session: string }
  | { readonly type: 'drain'; readonly node: string; readonly session: string; readonly request: DrainRequest }
  /** All that announces the node's end now, in the agent's eyes. */
  | { readonly type: 'notice'; readonly node: string; readonly session: string; readonly signs: readonly NodeSign[] }
  | { readonly type: 'closed'; readonly node: string; readonly session: string; readonly reason: string };

export interface SessionOpened {
  readonly type: 'opened';
  readonly node: string;
  /** Unique in this process; another stream of the same agent has another one. */
  readonly session: string;
  /** Names the agent: two of them on one node are an upgrade, two streams of one are a reconnect. */
  readonly agentPodUid: string;
  readonly agentPodName: string;
  readonly epoch: string;
  readonly agentVersion: string;
  /** By the node's clock, milliseconds since the Unix epoch: tells the younger of two agents. */
  readonly startedAtMs: number;
}

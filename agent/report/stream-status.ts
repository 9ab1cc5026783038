import type { ReportChannelError } from '../../common/report-transport.ts';

/** How one coordinator address is doing. */
export interface StreamStatus {
  readonly address: string;
  readonly state: StreamState;
  /** Since its Welcome; undefined while there is none. */
  readonly welcomedForMs: number | undefined;
}

/** `leading`: connected, and the coordinator says that it leads. `waiting`: failed, and tried again after a delay. */
export type StreamState = 'connecting' | 'connected' | 'leading' | 'waiting';

/** Why there is no stream: the name was not looked up, or what the channel says. */
export type StreamFailure = 'resolve' | ReportChannelError['kind'];

export const STREAM_FAILURES: readonly StreamFailure[] = ['resolve', 'unavailable', 'unauthenticated', 'broken'];

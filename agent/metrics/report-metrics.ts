import { ReportRequest } from '../../proto/gen/clbdirect/v1/report.ts';
import type { AgentMetrics } from '../metrics.ts';
import { STREAM_FAILURES, type StreamStatus } from '../report/stream-status.ts';
import type { Meter } from './meter.ts';

type ReportFacts =
  | 'observeStreams'
  | 'streamsConnected'
  | 'streamFailed'
  | 'podMessageSent'
  | 'podMessageAcknowledged'
  | 'resyncRequested';

/** From one changed Pod to a snapshot of the largest nodes. */
const MESSAGE_BYTES = [256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576];
/** From two processes side by side to a coordinator that is about to be given up. */
const LAG_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 10];

export function reportMetrics(meter: Meter): Pick<AgentMetrics, ReportFacts> {
  const { counter, gauge, histogram } = meter;
  const streams = gauge('report_streams', 'Coordinators that are connected and have welcomed this agent.');
  const failures = counter('report_stream_errors_total', 'Report streams that failed, by kind of failure.', 'kind');
  for (const kind of STREAM_FAILURES) failures.inc({ kind }, 0);
  const bytes = histogram(
    'report_message_bytes',
    'Encoded size of the snapshots and deltas that were sent.',
    MESSAGE_BYTES,
    'type',
  );
  const lag = histogram(
    'report_lag_seconds',
    'From the moment the agent knew of a change of a Pod to the acknowledgement of a coordinator.',
    LAG_SECONDS,
  );
  const resyncs = counter('report_resyncs_total', 'Snapshots that coordinators asked for.');
  let statuses: () => readonly StreamStatus[] = () => [];
  scrapeStreams(meter, () => statuses());
  return {
    observeStreams: read => {
      statuses = read;
    },
    streamsConnected: count => streams.set(count),
    streamFailed: kind => failures.inc({ kind }),
    podMessageSent: (type, message) => bytes.observe({ type }, ReportRequest.encode(message).finish().length),
    podMessageAcknowledged: lagMs => lag.observe(lagMs / 1_000),
    resyncRequested: () => resyncs.inc(),
  };
}

/** Series of an address end with its stream, and there are never more addresses than the agent keeps streams to. */
function scrapeStreams({ scraped }: Meter, read: () => readonly StreamStatus[]): void {
  scraped(
    'report_stream_state',
    '1 for the state each coordinator address is in: connecting, connected, leading (connected, and it leads), waiting (failed, tried again soon).',
    gauge => {
      for (const { address, state } of read()) gauge.set({ coordinator: address, state }, 1);
    },
    'coordinator',
    'state',
  );
  scraped(
    'report_stream_age_seconds',
    'How long ago each connected coordinator welcomed this agent.',
    gauge => {
      for (const { address, welcomedForMs } of read()) {
        if (welcomedForMs !== undefined) gauge.set({ coordinator: address }, welcomedForMs / 1_000);
      }
    },
    'coordinator',
  );
}

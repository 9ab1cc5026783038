import type { AgentMetrics } from '../metrics.ts';
import type { Meter } from './meter.ts';

type RuntimeFacts =
  | 'runtimeFailed'
  | 'runtimeFollowed'
  | 'runtimeGap'
  | 'runtimeExit'
  | 'runtimeOutOfMemory'
  | 'runtimeEventMalformed'
  | 'exitWasEarlier';

/** Around what kubelets were seen to take for a status: 0.65 s. */
const LEAD_SECONDS = [0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 5, 10];

export function runtimeMetrics({ counter, gauge, histogram }: Meter): Pick<AgentMetrics, RuntimeFacts> {
  const failures = counter('runtime_errors_total', 'Questions to the container runtime that failed.');
  const followed = gauge(
    'runtime_events',
    '1 while container exits come from the runtime, 0 while they come from the Pod watch, later.',
  );
  const gaps = counter('runtime_event_gaps_total', "Losses of the runtime's event stream.");
  const exits = counter(
    'runtime_exits_total',
    'Ends that the runtime told of: of a container; of one before the agent started (earlier) or while nobody listened ' +
      '(missed); of a sandbox, an exec or something unknown, which are not reported.',
    'kind',
  );
  const outOfMemory = counter('runtime_out_of_memory_total', 'Processes of containers killed for want of memory.');
  const malformed = counter('runtime_events_malformed_total', 'Events of the runtime that could not be read.');
  const lead = histogram(
    'container_exit_lead_seconds',
    'How much earlier the runtime told of an exit than the Pod watch.',
    LEAD_SECONDS,
  );
  return {
    runtimeFailed: () => failures.inc(),
    runtimeFollowed: isFollowed => followed.set(Number(isFollowed)),
    runtimeGap: () => gaps.inc(),
    runtimeExit: kind => exits.inc({ kind }),
    runtimeOutOfMemory: () => outOfMemory.inc(),
    runtimeEventMalformed: () => malformed.inc(),
    exitWasEarlier: leadMs => lead.observe(leadMs / 1_000),
  };
}

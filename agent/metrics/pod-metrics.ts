import { PodPhase, type PodRecord } from '../../common/pod-record.ts';
import type { AgentMetrics } from '../metrics.ts';
import type { Meter } from './meter.ts';

type PodFacts = 'observePods' | 'podListOrWatchFailed' | 'containersStarted';

/** A kubelet writes a status about a second after the fact, and Kubernetes rounds the start down to a second. */
const START_LAG_SECONDS = [0.5, 1, 1.5, 2, 3, 5, 10, 30];

export function podMetrics({ counter, scraped, histogram }: Meter): Pick<AgentMetrics, PodFacts> {
  let records: () => readonly PodRecord[] = () => [];
  scraped(
    'pods',
    'Pods of this node that are reported, by network (eni, host-network, other) and state (pending, ready, not-ready, deleting, finished).',
    gauge => {
      for (const record of records()) gauge.inc({ kind: kindOf(record), state: stateOf(record) });
    },
    'kind',
    'state',
  );
  const listErrors = counter('pod_watch_errors_total', 'Lists and watches of Pods that failed.');
  const startLag = histogram(
    'container_start_lag_seconds',
    'From the start of the last container of a Pod, which Kubernetes tells in whole seconds, to the moment at which the watch told of it.',
    START_LAG_SECONDS,
  );
  return {
    observePods: read => {
      records = read;
    },
    podListOrWatchFailed: () => listErrors.inc(),
    containersStarted: lagMs => startLag.observe(lagMs / 1_000),
  };
}

function kindOf({ hostNetwork, eni }: PodRecord): 'eni' | 'host-network' | 'other' {
  if (hostNetwork) return 'host-network';
  return eni?.attached ? 'eni' : 'other';
}

function stateOf({ phase, deletion, ready }: PodRecord): 'pending' | 'ready' | 'not-ready' | 'deleting' | 'finished' {
  if (phase === PodPhase.SUCCEEDED || phase === PodPhase.FAILED) return 'finished';
  if (deletion) return 'deleting';
  if (phase === PodPhase.PENDING) return 'pending';
  return ready ? 'ready' : 'not-ready';
}

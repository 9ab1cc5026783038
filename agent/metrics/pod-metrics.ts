import { PodPhase, type PodRecord } from '../../common/pod-record.ts';
import type { AgentMetrics } from '../metrics.ts';
import type { Meter } from './meter.ts';

export function podMetrics({ counter, scraped }: Meter): Pick<AgentMetrics, 'observePods' | 'podListOrWatchFailed'> {
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
  return {
    observePods: read => {
      records = read;
    },
    podListOrWatchFailed: () => listErrors.inc(),
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

import type { KubeletRecord } from '../../../sandbox/kube/kubelet/kubelet-record.ts';
import type { Moment } from './moment.ts';

/**
 * What the kubelets of the sandbox noted of one Pod's containers. A hook that a second kubelet calls again is one hook, and
 * an exit that both see one exit.
 */
export function sandboxMoments(records: readonly KubeletRecord[]): readonly Moment[] {
  const known = new Set<string>();
  return records.flatMap(record => {
    const what = deedOf(record);
    if (what === undefined || !('containerId' in record)) return [];
    const deed = `${record.containerId} ${what}`;
    if (known.has(deed)) return [];
    known.add(deed);
    return [{ what: `${record.containerName} ${what}`, atMs: record.atMs }];
  });
}

const outcomes = { answered: 'completed', slept: 'completed', failed: 'failed', cutOff: 'cut off' } as const;

function deedOf(record: KubeletRecord): string | undefined {
  switch (record.type) {
    case 'started':
      return 'started';
    case 'preStopBegan':
      return 'hooked';
    case 'preStopEnded':
      return `hook ${outcomes[record.outcome.type]}`;
    case 'signalled':
      return record.signal;
    case 'exited':
      return `exited ${record.exitCode}`;
    case 'addressAssigned':
    case 'addressReleased':
    case 'removed':
      return undefined;
  }
}

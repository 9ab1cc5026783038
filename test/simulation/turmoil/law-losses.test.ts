import { describe, expect, test } from 'vitest';
import type { KubeletRecord } from '../../../sandbox/kube/kubelet/kubelet-record.ts';
import { judgeLosses } from './law-losses.ts';

const POD = { nodeName: 'node-1', namespace: 'default', podName: 'web', podUid: 'uid', podIp: '10.0.1.2' };
const CONTAINER = { containerName: 'main', containerId: 'sandbox://main' };

/** A request that the server resets when its Pod is signalled, so long after the hook was called. */
function lostAfterHookOf(heldMs: number) {
  const records: KubeletRecord[] = [
    { ...POD, atMs: 1_000, type: 'addressAssigned' },
    { ...POD, ...CONTAINER, atMs: 10_000, type: 'preStopBegan' },
    { ...POD, ...CONTAINER, atMs: 10_000 + heldMs, type: 'signalled', signal: 'TERM' },
  ];
  return judgeLosses({
    losses: [{ at: 10_000 + heldMs, reason: 'reset by the server', target: POD.podIp }],
    records,
    episodes: [],
  });
}

describe('a connection in use when the hook is answered', () => {
  test('may be lost at the end of the budget, which a fast clock brings on', () => {
    expect(lostAfterHookOf(27_300)).toEqual({ excused: 1, breaches: [] });
  });

  test('may not be lost before', () => {
    expect(lostAfterHookOf(27_200).breaches).toMatchObject([{ law: 'L4' }]);
  });
});

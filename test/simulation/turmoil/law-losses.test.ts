import { describe, expect, test } from 'vitest';
import type { KubeletRecord } from '../../../sandbox/kube/kubelet/kubelet-record.ts';
import type { Episode } from './episodes.ts';
import { judgeLosses } from './law-losses.ts';
import type { Kind } from './trouble.ts';

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

/** A request that is refused by a Pod that got SIGTERM a second before, while its target was open. */
function lostAfterDeathsOfLeaders(...deaths: readonly number[]) {
  const records: KubeletRecord[] = [
    { ...POD, atMs: 1_000, type: 'addressAssigned' },
    { ...POD, ...CONTAINER, atMs: 40_000, type: 'signalled', signal: 'TERM' },
    { ...POD, atMs: 40_000, type: 'addressReleased' },
  ];
  const losses = [{ at: 41_000, reason: 'connection refused', target: POD.podIp }];
  return judgeLosses({ losses, records, episodes: deaths.map(leaderDeath) });
}

function leaderDeath(from: number): Episode {
  const happening = { number: 1, atMs: 0, lastsMs: 0, kind: 'the leader is killed', seed: 1 };
  const kind: Kind = { share: 1, lastsMs: [0, 0], isBearable: true, begin: () => undefined };
  return { happening, kind, begun: { text: 'killed', endsLeader: true }, from, to: from };
}

describe('a connection in use when the hook is answered', () => {
  test('may be lost at the end of the budget, which a fast clock brings on', () => {
    expect(lostAfterHookOf(27_300)).toEqual({ excused: 1, breaches: [] });
  });

  test('may not be lost before', () => {
    expect(lostAfterHookOf(27_200).breaches).toMatchObject([{ law: 'L4' }]);
  });
});

describe('a request to a Pod that ended while its target was open', () => {
  test('may be lost when leaders died one after another, so that nobody could close it', () => {
    expect(lostAfterDeathsOfLeaders(20_000, 32_000)).toEqual({ excused: 1, breaches: [] });
  });

  test('may not be lost because one leader died', () => {
    expect(lostAfterDeathsOfLeaders(32_000).breaches).toMatchObject([{ law: 'L4' }]);
  });
});

import { describe, expect, test } from 'vitest';
import type { JournalRecord } from '../../../sandbox/clb/journal.ts';
import type { TargetChange } from '../../../sandbox/clb/state.ts';
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
    journal: [],
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
  return judgeLosses({ losses, records, journal: [], episodes: deaths.map(leaderDeath) });
}

/** Refused by the next owner of the address of a Pod that was deleted with a second of grace ten seconds before. */
function lostAtReusedAddress(...journal: readonly JournalRecord[]) {
  const next = { ...POD, podName: 'shop', podUid: 'next' };
  const records: KubeletRecord[] = [
    { ...POD, atMs: 1_000, type: 'addressAssigned' },
    { ...POD, atMs: 40_000, type: 'addressReleased' },
    { ...next, atMs: 44_900, type: 'addressAssigned' },
  ];
  const happening = { number: 1, atMs: 0, lastsMs: 0, kind: 'a Pod is deleted hard', seed: 1 };
  const kind: Kind = { share: 1, lastsMs: [0, 0], begin: () => undefined };
  const begun: Episode['begun'] = { text: 'deleted', harms: ({ podName }) => podName === POD.podName };
  return judgeLosses({
    losses: [{ at: 50_000, reason: 'refused', target: POD.podIp }],
    records,
    journal,
    episodes: [{ happening, kind, begun, from: 39_000, to: 39_000 }],
  });
}

function marked(at: number, podUid: string): JournalRecord {
  const tag = `cd1:c1:default/web:${podUid}`;
  const place = { loadBalancerId: 'lb-1', listenerId: 'lbl-1', locationId: '', address: POD.podIp, port: 80 };
  const change: TargetChange = { kind: 'target-reweighted', ...place, weight: 10, tag };
  return { kind: 'change', at, action: 'Test', requestId: 'request', changes: [change] };
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

describe('a request to an address that is another Pod’s already', () => {
  test('may be lost when its target is marked for the Pod before, which was deleted hard', () => {
    expect(lostAtReusedAddress(marked(5_000, 'uid'))).toEqual({ excused: 1, breaches: [] });
  });

  test('may not be lost when its target has been marked for the new Pod', () => {
    expect(lostAtReusedAddress(marked(5_000, 'uid'), marked(45_000, 'next')).breaches).toMatchObject([{ law: 'L4' }]);
  });
});

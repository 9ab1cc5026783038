import { describe, expect, test } from 'vitest';
import { ContainerState, type PodRecord } from '../../common/pod-record.ts';
import { UNDECIDED_ENI } from '../../common/pods/detect-eni.ts';
import { podRecord } from '../../common/pods/pod.fixture.ts';
import { type ObservedPod, PodTable } from './pod-table.ts';

const KEY = 'default/web-1';
const REDIRECTED = { type: 'redirected' } as const;
const observed = (overrides: Partial<PodRecord> = {}, hook: ObservedPod['hook'] = REDIRECTED): ObservedPod => ({
  record: podRecord(overrides),
  hook,
});
const container = (containerId: string, state: ContainerState = ContainerState.RUNNING) => [
  { name: 'web', containerId, state, restartCount: 0 },
];
const exitOf = (containerId: string) => ({ podUid: 'uid-1', containerName: 'web', containerId });

function tableWith(...items: [string, ObservedPod][]): PodTable {
  const table = new PodTable();
  table.replace(new Map(items), 0);
  return table;
}

describe('a Pod leaves the table', () => {
  test('when its deletion was seen', () => {
    expect(tableWith([KEY, observed()]).delete(KEY)).toEqual({ upserts: [], removals: ['uid-1'] });
  });

  test('not by missing from a list, but when its sandbox is gone too', () => {
    const table = tableWith([KEY, observed()]);
    expect(table.replace(new Map(), 0).removals).toEqual([]);
    expect(table.records()).toHaveLength(1);
    expect(table.absentUids()).toEqual(['uid-1']);
    expect(table.confirmGone('uid-1').removals).toEqual(['uid-1']);
    expect(table.records()).toEqual([]);
  });

  test('not when it was absent and came back', () => {
    const table = tableWith([KEY, observed()]);
    table.replace(new Map(), 0);
    table.apply(KEY, observed(), 0);
    expect(table.confirmGone('uid-1').removals).toEqual([]);
  });

  test('only with its sandbox when another Pod of its name has taken its place', () => {
    const table = tableWith([KEY, observed()]);
    table.apply(KEY, observed({ uid: 'uid-2' }), 0);
    expect(table.absentUids()).toEqual(['uid-1']);
    table.confirmGone('uid-1');
    expect(table.delete(KEY).removals).toEqual(['uid-2']);
  });
});

describe('a change', () => {
  test('is told once', () => {
    const table = tableWith([KEY, observed()]);
    expect(table.apply(KEY, observed(), 0).upserts).toEqual([]);
    expect(table.apply(KEY, observed({ ready: false }), 0).upserts).toMatchObject([{ ready: false }]);
  });

  test('is told again from a list with another version: what came between may have been told by others', () => {
    const table = tableWith([KEY, observed({ version: 1 })]);
    expect(table.replace(new Map([[KEY, observed({ version: 3 })]]), 0).upserts).toMatchObject([{ version: 3 }]);
    expect(table.replace(new Map([[KEY, observed({ version: 3 })]]), 0).upserts).toEqual([]);
  });

  test('is not that of the version alone, which the next one names', () => {
    const table = tableWith([KEY, observed({ version: 1 })]);
    expect(table.apply(KEY, observed({ version: 2 }), 0).upserts).toEqual([]);
    expect(table.records()).toMatchObject([{ version: 2 }]);
    expect(table.apply(KEY, observed({ ready: false, version: 3 }), 0).upserts).toMatchObject([{ version: 3 }]);
  });

  test('keeps the moment at which a deletion was first seen', () => {
    const table = tableWith([KEY, observed()]);
    const deleted = (gracePeriodSeconds: number) => observed({ deletion: { seenAtMs: 0, gracePeriodSeconds } });
    table.apply(KEY, deleted(30), 1_000);
    expect(table.apply(KEY, deleted(5), 2_000).upserts[0]?.deletion).toEqual({
      seenAtMs: 1_000,
      gracePeriodSeconds: 5,
    });
  });
});

describe('an exit that the runtime tells', () => {
  test('shows at once, and the Pod is not ready', () => {
    const table = tableWith([KEY, observed()]);
    expect(table.exit(exitOf('c1')).upserts).toMatchObject([
      { ready: false, containers: [{ state: ContainerState.EXITED }] },
    ]);
  });

  test('outlasts statuses that still name the container, and ends with one that names another', () => {
    const table = tableWith([KEY, observed()]);
    table.exit(exitOf('c1'));
    table.apply(KEY, observed({ labels: { changed: 'yes' } }), 0);
    expect(table.records()[0]?.ready).toBe(false);
    table.apply(KEY, observed({ containers: container('c2') }), 0);
    expect(table.records()[0]).toMatchObject({ ready: true, containers: [{ state: ContainerState.RUNNING }] });
  });

  test('is kept for a container that no status has named yet', () => {
    const table = tableWith([KEY, observed()]);
    table.exit(exitOf('c1'));
    table.exit(exitOf('c2'));
    expect(table.records()[0]?.ready).toBe(false);
    expect(table.apply(KEY, observed({ containers: container('c2') }), 0).upserts[0]?.ready).toBe(false);
  });

  test('of an unknown Pod says nothing', () => {
    expect(new PodTable().exit(exitOf('c1')).upserts).toEqual([]);
  });
});

describe('an address', () => {
  test('means the Pod that runs when a stopped one still names it', () => {
    const old = observed({ uid: 'old', createdAtMs: 9, containers: container('c1', ContainerState.EXITED) });
    const table = tableWith(['default/old', old], ['default/new', observed({ uid: 'new', createdAtMs: 5 })]);
    expect(table.findByAddress('10.0.0.5')?.uid).toBe('new');
  });

  test('means no deleted Pod whose containers have ended: another one has it by now, of which nobody has told yet (L4)', () => {
    const deletion = { seenAtMs: 0, gracePeriodSeconds: 30 };
    const table = tableWith([KEY, observed({ deletion, containers: container('c1') })]);
    expect(table.findByAddress('10.0.0.5')?.uid).toBe('uid-1');
    table.exit(exitOf('c1'));
    expect(table.findByAddress('10.0.0.5')).toBeUndefined();
  });

  test('means a Pod whose container has ended and may be started again', () => {
    const table = tableWith([KEY, observed({ containers: container('c1', ContainerState.EXITED) })]);
    expect(table.findByAddress('10.0.0.5')?.uid).toBe('uid-1');
  });

  test('is redirected for hooked Pods only', () => {
    const plain = observed({ uid: 'plain', addresses: ['10.0.0.9'] }, { type: 'none' });
    const table = tableWith([KEY, observed()], ['default/plain', plain]);
    expect(table.hookedAddresses()).toEqual(['10.0.0.5']);
  });
});

describe('a token', () => {
  const withToken = (uid: string, token: string) => observed({ uid, hostNetwork: true }, { type: 'token', token });

  test('stands for the Pod whose preStop sends it, and leads the loopback address here', () => {
    const table = tableWith([KEY, withToken('uid-1', 'one')], ['default/web-2', withToken('uid-2', 'two')]);
    expect(table.findByToken('two')).toBe('uid-2');
    expect(table.hookedAddresses()).toEqual(['127.0.0.1']);
  });

  test('stands for nobody when no Pod or several have it', () => {
    const table = tableWith([KEY, withToken('uid-1', 'one')], ['default/web-2', withToken('uid-2', 'one')]);
    expect([table.findByToken('one'), table.findByToken('two')]).toEqual([undefined, undefined]);
  });
});

test('Pods that were known before their Node are decided on when it comes, and reported once', () => {
  const table = tableWith(
    [KEY, observed({ eni: UNDECIDED_ENI })],
    ['default/web-2', observed({ eni: UNDECIDED_ENI, uid: 'uid-2', addresses: ['172.16.0.5'] })],
  );
  const mixed = { eniResource: 'tke.cloud.tencent.com/eni-ip', podCidrs: ['172.16.0.0/26'] };
  expect(table.setNetwork(mixed).upserts).toMatchObject([{ uid: 'uid-1', eni: { attached: true } }]);
  expect(table.setNetwork(mixed).upserts).toEqual([]);
});

describe('a deletion that the API server told when asked', () => {
  const deletion = { seenAtMs: 0, gracePeriodSeconds: 60 };

  test('is told of the Pod, and not forgotten when a watch that is behind tells what was before', () => {
    const table = tableWith([KEY, observed()]);
    const told = table.deletionSeen('uid-1', deletion, 5_000);
    expect(told.upserts).toMatchObject([{ uid: 'uid-1', deletion: { seenAtMs: 5_000, gracePeriodSeconds: 60 } }]);
    expect(table.apply(KEY, observed({ ready: false }), 6_000).upserts).toMatchObject([
      { ready: false, deletion: { seenAtMs: 5_000 } },
    ]);
  });

  test('is nothing to a Pod that is gone', () => {
    expect(tableWith().deletionSeen('uid-1', deletion, 0)).toEqual({ upserts: [], removals: [] });
  });
});

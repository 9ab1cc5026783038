import { beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import { GateState, HookKind, type PodRecord } from '../../common/pod-record.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { podRecord, podView } from '../core/pod.fixture.ts';
import type { EventSubject } from '../kube/event-recorder.ts';
import { BarePods } from './bare-pods.ts';

const DEPLOYMENT = { apiVersion: 'apps/v1', kind: 'Deployment', namespace: 'shop', name: 'web', uid: 'd-uid' };
const UNGATED = { gate: GateState.ABSENT, hook: HookKind.DRAIN };

let clock: VirtualClock;
let pods: Map<string, ReturnType<typeof podView>>;
let selected: Set<string>;
let told: string[];
let owner: EventSubject;
let bare: BarePods;

beforeEach(() => {
  clock = new VirtualClock();
  pods = new Map();
  selected = new Set();
  told = [];
  owner = DEPLOYMENT;
  bare = new BarePods({
    names: DEFAULT_INSTANCE,
    clock,
    view: { pods, servicesOf: uid => new Set(selected.has(uid) ? ['service-uid'] : []) },
    ports: {
      reportOwner: (_, problemOf) => {
        const { code, message } = problemOf(owner);
        told.push(`${code} ${message}`);
      },
    },
  });
});

describe('a Pod that is served', () => {
  test.each<[string, Partial<PodRecord>, string]>([
    ['with gate and hook', { gate: GateState.CLOSED, hook: HookKind.DRAIN }, 'ungated 0 sleep 0 other 0 none 0'],
    ['without gate', UNGATED, 'ungated 1 sleep 0 other 0 none 0'],
    ['with a sleep', { hook: HookKind.SLEEP }, 'ungated 0 sleep 1 other 0 none 0'],
    ['with a preStop of its own', { hook: HookKind.OTHER }, 'ungated 0 sleep 0 other 1 none 0'],
    ['without hook', { hook: HookKind.NONE }, 'ungated 0 sleep 0 other 0 none 1'],
    ['of which an older agent does not tell', { hook: undefined }, 'ungated 0 sleep 0 other 0 none 0'],
    ['without address yet', { ...UNGATED, addresses: [] }, 'ungated 0 sleep 0 other 0 none 0'],
  ])('%s is counted by what it lacks', (_name, fields, counts) => {
    see('pod-1', fields);
    expect(counted()).toBe(counts);
  });

  test('is counted no longer when it is deleted, when it is gone, and when nothing selects it any more', () => {
    for (const uid of ['pod-1', 'pod-2', 'pod-3']) see(uid, { ...UNGATED, hook: HookKind.NONE });
    expect(counted()).toBe('ungated 3 sleep 0 other 0 none 3');
    pods.set('pod-1', podView({ uid: 'pod-1', ...UNGATED }, { deletionSeenAt: 1 }));
    pods.delete('pod-2');
    selected.delete('pod-3');
    for (const uid of ['pod-1', 'pod-2', 'pod-3']) bare.look(uid);
    expect(counted()).toBe('ungated 0 sleep 0 other 0 none 0');
  });
});

test('a Pod that nothing selects lacks nothing', () => {
  pods.set('pod-1', podView({ uid: 'pod-1', ...UNGATED, hook: HookKind.NONE }));
  bare.look('pod-1');
  expect(counted()).toBe('ungated 0 sleep 0 other 0 none 0');
  expect(told).toEqual([]);
});

describe('on its owner is told', () => {
  test('what is missing, what follows from it, and how to mend it', () => {
    see('pod-1', { ...UNGATED, hook: HookKind.NONE });
    expect(told).toEqual([
      expect.stringMatching(
        /^CD3010 Deployment shop\/web has Pods with no readiness gate.*rolling update.*kubectl -n shop rollout restart deployment\/web.*clb-direct inject/,
      ),
      expect.stringMatching(
        /^CD3011 Deployment shop\/web has Pods with a container without a preStop.*SIGTERM.*rollout restart deployment\/web/,
      ),
    ]);
  });

  test('of a preStop of its own that it is to be done on SIGTERM', () => {
    see('pod-1', { hook: HookKind.OTHER });
    expect(told).toEqual([expect.stringMatching(/^CD3011 .*a preStop of its own.*Do that step on SIGTERM/)]);
  });

  test('of a Pod of another instance how to make it one of this', () => {
    see('pod-1', { ...UNGATED, hook: HookKind.OTHER, labels: { 'clb-direct.io/instance': 'inner' } });
    const remedy = /take the label clb-direct\.io\/instance out of the template\.$/;
    expect(told).toEqual([expect.stringMatching(remedy), expect.stringMatching(remedy)]);
    expect(told.join()).not.toContain('SIGTERM and remove');
  });

  test('nothing of a sleep, of which kubectl apply has warned', () => {
    see('pod-1', { hook: HookKind.SLEEP });
    expect(told).toEqual([]);
  });

  test('of a Pod without owner how to make it anew', () => {
    owner = { ...DEPLOYMENT, apiVersion: 'v1', kind: 'Pod' };
    see('pod-1', UNGATED);
    expect(told).toEqual([expect.stringMatching(/^CD3010 Pod shop\/web has no readiness gate.*Make it anew/)]);
  });

  test('the same once in ten minutes, however many Pods it has', async () => {
    for (let pod = 0; pod < 50; pod += 1) see(`pod-${pod}`, { ...UNGATED, name: `web-5c7dc6cff4-${pod}` });
    expect(told).toHaveLength(1);
    see('pod-other', { ...UNGATED, name: 'api-6b7c8d-x' });
    expect(told).toHaveLength(2);
    await clock.advance(600_000);
    see('pod-50', { ...UNGATED, name: 'web-5c7dc6cff4-50' });
    expect(told).toHaveLength(3);
  });

  test('of at most sixty workloads a minute', async () => {
    for (let workload = 0; workload < 200; workload += 1) see(`a-${workload}`, { ...UNGATED, name: `w${workload}-x` });
    expect(told).toHaveLength(60);
    await clock.advance(60_000);
    for (let workload = 0; workload < 200; workload += 1) see(`b-${workload}`, { ...UNGATED, name: `w${workload}-y` });
    expect(told).toHaveLength(120);
  });
});

function see(uid: string, fields: Partial<PodRecord>): void {
  pods.set(uid, podView({ ...podRecord({ hook: HookKind.DRAIN }), uid, ...fields }));
  selected.add(uid);
  bare.look(uid);
}

function counted(): string {
  const { ungated } = bare;
  return `ungated ${ungated} sleep ${bare.unhooked('sleep')} other ${bare.unhooked('other')} none ${bare.unhooked('none')}`;
}

import { beforeEach, describe, expect, test } from 'vitest';
import type { Pod, Service } from '../../../common/kube/objects.ts';
import { READINESS_GATE } from '../../../common/names.ts';
import type { JournalRecord } from '../../../sandbox/clb/journal.ts';
import type { Change, TargetChange } from '../../../sandbox/clb/state.ts';
import type { KubeletRecord } from '../../../sandbox/kube/kubelet/kubelet-record.ts';
import type { PodPlace } from '../evidence.ts';
import type { ApiWrite } from '../noting-api.ts';
import { breachesOnTheWay } from './breaches-on-the-way.ts';
import { History } from './history.ts';
import { listenerNameOf, pod, service, tagOf } from './objects.fixture.ts';

const LB = 'lb-shared-1';
const FIRST = pod('web-5c9f-aaaaa', '10.0.0.1');
const SECOND = pod('web-5c9f-bbbbb', '10.0.0.2');
const WEB = service('web', { ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }] });
const MINUTE_MS = 60_000;

/** A run in which one Service has a listener with two Pods that serve from the tenth second on. */
class Run {
  readonly journal: JournalRecord[] = [];
  readonly records: KubeletRecord[] = [];
  readonly apiWrites: ApiWrite[] = [];
  readonly services = new History<Service>();
  readonly pods = new History<Pod>();
  isBlind = (_pod: PodPlace, _from: number, _to: number) => false;

  constructor() {
    this.set(0, WEB);
    this.change(1_000, this.listener('listener-created'));
    for (const each of [FIRST, SECOND]) {
      const { uid = '', name } = each.metadata;
      this.pods.add(uid, { from: 0, object: each });
      const common = { atMs: 0, nodeName: 'n1', namespace: 'default', podName: name, podUid: uid };
      this.records.push({ ...common, podIp: each.status?.podIP, type: 'addressAssigned' });
      this.change(5_000, this.target('target-registered', each, 10));
      this.healthy(10_000, each);
    }
  }

  set(from: number, object: Service): void {
    this.services.add(object.metadata.uid ?? '', { from, object });
  }

  change(at: number, ...changes: Change[]): void {
    this.journal.push({ kind: 'change', at, action: 'Test', requestId: 'ours', changes });
  }

  changeByOthers(at: number, ...changes: Change[]): void {
    const call = { action: 'Test', parameters: {}, code: '', message: '', replyLost: false, foreign: true } as const;
    this.journal.push({ kind: 'call', at, finishedAt: at, requestId: 'theirs', ...call });
    this.journal.push({ kind: 'change', at, action: 'Test', requestId: 'theirs', changes });
  }

  listener(kind: 'listener-created', id = 'lbl-1', owner = WEB): Change {
    const healthCheck = { enabled: true, timeoutMs: 1, intervalMs: 1, healthyThreshold: 2, unhealthyThreshold: 2 };
    const protocol = 'TCP' as const;
    const common = { scheduler: 'WRR', sessionExpireSeconds: 0, healthCheck, createdAt: 0 };
    const settings = { id, name: listenerNameOf(owner), protocol, port: 80, ...common };
    return { kind, loadBalancerId: LB, vip: '', settings };
  }

  target(kind: TargetChange['kind'], of: Pod, weight: number): TargetChange {
    const place = { loadBalancerId: LB, listenerId: 'lbl-1', locationId: '' };
    return { kind, ...place, address: of.status?.podIP ?? '', port: 80, weight, tag: tagOf(of) };
  }

  healthy(at: number, { status }: Pod): void {
    const place = { listenerId: 'lbl-1', locationId: '' };
    this.journal.push({ kind: 'health', at, ...place, address: status?.podIP ?? '', port: 80, status: 'Alive' });
  }

  opensGate(at: number, { metadata }: Pod): void {
    const conditions = [{ type: READINESS_GATE, status: 'True', reason: 'LoadBalancerReady' }];
    const body = { metadata: { uid: metadata.uid }, status: { conditions } };
    const path = `/pods/${metadata.name}/status`;
    this.apiWrites.push({ at, username: 'coordinator', method: 'PATCH', path, body, status: 200 });
  }

  laws(): string[] {
    const { journal, records, apiWrites, services, pods, isBlind } = this;
    const evidence = { journal, records, apiWrites, chronicle: { services, pods }, outages: [], shared: [LB], isBlind };
    return breachesOnTheWay(evidence).map(({ law }) => law);
  }
}

describe('the judge of a run in which Services change', () => {
  let run: Run;
  beforeEach(() => {
    run = new Run();
  });

  test('finds nothing wrong with Pods that serve and whose gates are opened then', () => {
    run.opensGate(11_000, FIRST);
    expect(run.laws()).toEqual([]);
  });

  test('sees a target closed though its Service wants it, but not once the selector has changed (L1)', () => {
    run.change(MINUTE_MS, run.target('target-reweighted', FIRST, 0));
    expect(run.laws()).toEqual(['L1']);
    run.set(MINUTE_MS - 5_000, { ...WEB, spec: { ...WEB.spec, selector: { app: 'other' } } });
    expect(run.laws()).toEqual([]);
  });

  test('blames nobody for closing what others have opened, however late the brake lets it (L1)', () => {
    run.change(MINUTE_MS, run.target('target-reweighted', FIRST, 0));
    const before = run.laws();
    run.changeByOthers(2 * MINUTE_MS, run.target('target-reweighted', FIRST, 3));
    run.change(2 * MINUTE_MS + 20_000, run.target('target-reweighted', FIRST, 0));
    expect(run.laws()).toEqual(before);
  });

  test('sees a target closed that others have only lessened (L1)', () => {
    run.changeByOthers(MINUTE_MS, run.target('target-reweighted', FIRST, 3));
    run.change(MINUTE_MS + 20_000, run.target('target-reweighted', FIRST, 0));
    expect(run.laws()).toEqual(['L1']);
  });

  test('blames nobody for a write that CLB carries out after it was given up, on the target of an heir (L1)', () => {
    const sendAt = (at: number) => {
      const call = { action: 'Test', parameters: {}, code: '', message: '', requestId: 'ours', replyLost: false };
      run.journal.push({ kind: 'call', at, finishedAt: MINUTE_MS, ...call });
    };
    const heir = { ...FIRST, metadata: { ...FIRST.metadata, name: 'web-5c9f-heir', uid: 'heir-uid' } };
    run.pods.add('heir-uid', { from: 0, object: heir });
    run.change(MINUTE_MS - 2_000, run.target('target-registered', heir, 10));
    run.change(MINUTE_MS, run.target('target-reweighted', heir, 0));
    sendAt(MINUTE_MS - 1_000);
    expect(run.laws()).toContain('L1');
    run.journal.pop();
    sendAt(MINUTE_MS - 5_000);
    expect(run.laws()).toContain('L1');
    run.journal.pop();
    sendAt(MINUTE_MS - 8_000);
    expect(run.laws()).not.toContain('L1');
  });

  test('sees a listener deleted though its Service wants it (L1), and not when the Service is gone', () => {
    run.change(MINUTE_MS, { kind: 'listener-deleted', loadBalancerId: LB, listenerId: 'lbl-1' });
    expect(run.laws()).toEqual(['L1']);
    run.services.add(WEB.metadata.uid ?? '', { from: MINUTE_MS - 5_000, object: undefined });
    expect(run.laws()).toEqual([]);
  });

  test('sees the last open target go while another Pod that the Service wants is ready (L2)', () => {
    run.change(30_000, run.target('target-deregistered', SECOND, 10));
    run.journal.push({ ...run.journal.pop(), requestId: '' } as JournalRecord);
    run.change(MINUTE_MS, run.target('target-reweighted', FIRST, 0));
    expect(run.laws()).toEqual(['L1', 'L2']);
  });

  test('lets the last target go whose hook a blind agent holds, and so for the time of a restart alone', () => {
    run.change(30_000, run.target('target-deregistered', SECOND, 10));
    run.journal.push({ ...run.journal.pop(), requestId: '' } as JournalRecord);
    run.change(MINUTE_MS, run.target('target-reweighted', FIRST, 0));
    run.isBlind = (pod, from, to) => pod.nodeName === 'n1' && from === MINUTE_MS - 300 && to === MINUTE_MS;
    expect(run.laws()).toContain('L2');
    const { uid = '', name } = FIRST.metadata;
    const common = { nodeName: 'n1', namespace: 'default', podName: name, podUid: uid, podIp: '10.0.0.1' };
    const container = { containerName: 'main', containerId: 'c' };
    run.records.push({ ...common, ...container, atMs: MINUTE_MS - 300, type: 'preStopBegan' });
    expect(run.laws()).toContain('L2');
    const outcome = { type: 'answered', status: 200 } as const;
    run.records.push({ ...common, ...container, atMs: MINUTE_MS + 4_700, type: 'preStopEnded', outcome });
    expect(run.laws()).not.toContain('L2');
    run.isBlind = () => false;
    expect(run.laws()).toContain('L2');
  });

  test('lets the last target of a deleted Pod go when its grace nears its end, though its kubelet has not begun', () => {
    run.change(30_000, run.target('target-deregistered', SECOND, 10));
    run.journal.push({ ...run.journal.pop(), requestId: '' } as JournalRecord);
    run.change(MINUTE_MS, run.target('target-reweighted', FIRST, 0));
    const deletedUntil = (atMs: number) => {
      const metadata = { ...FIRST.metadata, deletionTimestamp: new Date(atMs).toISOString() };
      run.pods.add(FIRST.metadata.uid ?? '', { from: 40_000, object: { ...FIRST, metadata } });
      return run.laws();
    };
    expect(deletedUntil(MINUTE_MS + 11_000)).toContain('L2');
    expect(deletedUntil(MINUTE_MS + 10_000)).not.toContain('L2');
  });

  test('lets the last target go at an address that its Pod no longer has', () => {
    run.change(30_000, run.target('target-deregistered', SECOND, 10));
    run.journal.push({ ...run.journal.pop(), requestId: '' } as JournalRecord);
    const { uid = '', name } = FIRST.metadata;
    const common = { atMs: 50_000, nodeName: 'n1', namespace: 'default', podName: name, podUid: uid };
    run.records.push({ ...common, podIp: '10.0.0.9', type: 'addressAssigned' });
    run.pods.add(uid, { from: 50_000, object: pod(name, '10.0.0.9') });
    run.change(MINUTE_MS, run.target('target-deregistered', FIRST, 10));
    expect(run.laws()).toEqual([]);
  });

  test('sees a gate opened before the cloud said healthy with the weight that is wanted (L3)', () => {
    run.opensGate(9_000, FIRST);
    expect(run.laws()).toEqual(['L3']);
    run.change(20_000, run.target('target-reweighted', SECOND, 50));
    run.opensGate(40_000, SECOND);
    expect(run.laws()).toEqual(['L3', 'L3']);
  });

  test('sees a later Service get the port that an earlier one wanted (L10)', () => {
    const early = service('early', { ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }] });
    run.set(0, early);
    run.change(MINUTE_MS, run.listener('listener-created', 'lbl-2'));
    expect(run.laws()).toEqual(['L10']);
  });

  test('sees somebody else\u2019s listener go, and a second load balancer for one Service (L6, L8)', () => {
    run.change(MINUTE_MS, { kind: 'listener-deleted', loadBalancerId: LB, listenerId: 'lbl-theirs' });
    const parameters = { Tags: [{ TagKey: 'clb-direct-service', TagValue: 'web-uid' }] };
    const call = { action: 'CreateLoadBalancer', code: '', message: '', requestId: 'ours', replyLost: false };
    run.journal.push({ kind: 'call', at: 0, finishedAt: 1, parameters, ...call });
    for (const loadBalancerId of ['lb-a', 'lb-b']) {
      run.change(MINUTE_MS, { kind: 'load-balancer-created', loadBalancerId, vip: '' });
    }
    expect(run.laws()).toEqual(['L6', 'L8']);
  });
});

import { describe, expect, test } from 'vitest';
import { READINESS_GATE } from '../../common/names.ts';
import type { JournalRecord } from '../../sandbox/clb/journal.ts';
import type { TargetChange } from '../../sandbox/clb/state.ts';
import type { KubeletMoment, KubeletRecord } from '../../sandbox/kube/kubelet/kubelet-record.ts';
import type { Evidence } from './evidence.ts';
import { breaches } from './laws.ts';
import type { ApiWrite } from './noting-api.ts';

const FIRST = { name: 'web-5c9f-aaaaa', uid: 'uid-a', address: '10.0.0.1' };
const SECOND = { name: 'web-5c9f-bbbbb', uid: 'uid-b', address: '10.0.0.2' };
type PodName = typeof FIRST;

function target(kind: TargetChange['kind'], pod: PodName, weight: number, address = pod.address): TargetChange {
  const tag = `cd1:c1:default/${pod.name}:${pod.uid}`;
  return { kind, loadBalancerId: 'lb-1', listenerId: 'lbl-1', locationId: '', address, port: 80, weight, tag };
}

function changed(at: number, ...changes: TargetChange[]): JournalRecord {
  return { kind: 'change', at, action: 'Test', requestId: 'request', changes };
}

function healthy(at: number, { address }: PodName): JournalRecord {
  return { kind: 'health', at, listenerId: 'lbl-1', locationId: '', address, port: 80, status: 'Alive' };
}

function call(action: string, at: number, finishedAt: number): JournalRecord {
  const parameters = { LoadBalancerId: 'lb-1' };
  return {
    kind: 'call',
    at,
    finishedAt,
    action,
    parameters,
    code: '',
    message: '',
    requestId: 'request',
    replyLost: false,
  };
}

/** CLB refuses to bind more there. */
function full(listenerId: string): JournalRecord {
  const parameters = { Targets: [{ ListenerId: listenerId }] };
  return { ...call('BatchRegisterTargets', 3_000, 3_100), parameters, code: 'LimitExceeded' } as JournalRecord;
}

function status(atMs: number, pod: PodName, type: string, value: 'True' | 'False'): ApiWrite {
  const body = { metadata: { uid: pod.uid }, status: { conditions: [{ type, status: value, reason: 'Test' }] } };
  return { at: atMs, username: 'test', method: 'PATCH', path: `/pods/${pod.name}/status`, body, status: 200 };
}

function moment(atMs: number, { name, uid, address }: PodName, what: KubeletMoment): KubeletRecord {
  return { ...what, atMs, nodeName: 'n1', namespace: 'default', podName: name, podUid: uid, podIp: address };
}

function deleted(at: number, { name }: PodName): ApiWrite {
  return { at, username: 'admin', method: 'DELETE', path: `/pods/${name}`, body: undefined, status: 200 };
}

const SERVICE_MADE: ApiWrite = {
  at: 0,
  username: 'admin',
  method: 'POST',
  path: '/services',
  body: { spec: { selector: { app: 'web' } } },
  status: 201,
};

const CONTAINER = { containerName: 'main', containerId: 'c' };

/** Two Pods that serve from the second second on. */
function serving(): { journal: JournalRecord[]; records: KubeletRecord[]; apiWrites: ApiWrite[] } {
  const both = [FIRST, SECOND];
  return {
    journal: [
      changed(1_000, ...both.map(pod => target('target-registered', pod, 10))),
      ...both.map(pod => healthy(2_000, pod)),
    ],
    records: both.map(pod => moment(0, pod, { type: 'addressAssigned' })),
    apiWrites: [SERVICE_MADE, ...both.map(pod => status(1_500, pod, 'ContainersReady', 'True'))],
  };
}

function lawsBroken(evidence: Evidence): string[] {
  return breaches(evidence).map(({ law }) => law);
}

describe('the judge of a run', () => {
  test('finds nothing wrong with two Pods that serve and one that drains as it should', () => {
    const run = serving();
    run.apiWrites.push(status(6_000, FIRST, READINESS_GATE, 'True'), deleted(20_000, FIRST));
    run.records.push(moment(20_010, FIRST, { type: 'preStopBegan', ...CONTAINER }));
    run.journal.push(changed(20_300, target('target-reweighted', FIRST, 0)));
    run.journal.push(changed(26_000, target('target-deregistered', FIRST, 0)));
    const outcome = { type: 'answered', status: 200 } as const;
    run.records.push(moment(26_100, FIRST, { type: 'preStopEnded', ...CONTAINER, outcome }));
    run.records.push(moment(26_110, FIRST, { type: 'signalled', ...CONTAINER, signal: 'TERM' }));
    expect(lawsBroken(run)).toEqual([]);
  });

  test('sees a target that goes though nothing was known of its Pod (L1)', () => {
    const run = serving();
    run.journal.push(changed(9_000, target('target-deregistered', FIRST, 10)));
    expect(lawsBroken(run)).toEqual(['L1']);
  });

  test('sees the last open target go while another Pod is ready (L2)', () => {
    const run = serving();
    run.apiWrites.push(deleted(8_000, FIRST));
    run.journal.push({ ...healthy(3_000, SECOND), status: 'Dead' } as JournalRecord);
    run.journal.push(changed(9_000, target('target-reweighted', FIRST, 0)));
    expect(lawsBroken(run)).toEqual(['L2']);
    run.apiWrites.push(status(8_500, SECOND, 'ContainersReady', 'False'));
    expect(lawsBroken(run)).toEqual([]);
  });

  test('sees a gate that opens before the cloud says healthy (L3)', () => {
    const run = serving();
    run.apiWrites.push(status(4_000, SECOND, READINESS_GATE, 'True'));
    run.journal.pop();
    expect(lawsBroken(run)).toEqual(['L3']);
  });

  /** A Pod whose hook is answered before its target has weight 0. */
  function endedOpen(answeredAt: number): ReturnType<typeof serving> {
    const run = serving();
    run.apiWrites.push(deleted(8_000, FIRST));
    run.records.push(moment(8_010, FIRST, { type: 'preStopBegan', ...CONTAINER }));
    const outcome = { type: 'answered', status: 200 } as const;
    run.records.push(moment(answeredAt, FIRST, { type: 'preStopEnded', ...CONTAINER, outcome }));
    run.records.push(moment(answeredAt + 10, FIRST, { type: 'signalled', ...CONTAINER, signal: 'TERM' }));
    return run;
  }

  test('sees SIGTERM before weight 0 (L4)', () => {
    expect(lawsBroken(endedOpen(9_000))).toEqual(['L4']);
  });

  test.each([
    ['sees it though a leader died during the drain (L4)', [25_000], ['L4']],
    ['sees it though another died, too, when the first had been followed (L4)', [12_000, 27_000], ['L4']],
    ['lets it pass when its follower died at once: nobody was left to close the target', [19_000, 31_000], []],
  ])('%s', (_, leaderDeaths, laws) => {
    expect(lawsBroken({ ...endedOpen(38_000), leaderDeaths })).toEqual(laws);
  });

  test('lets it pass when the leader died while the target was held as the last open one', () => {
    const held = endedOpen(38_000);
    held.journal.push({ ...healthy(20_000, SECOND), status: 'Dead' } as JournalRecord);
    expect(lawsBroken({ ...held, leaderDeaths: [25_000] })).toEqual([]);
    expect(lawsBroken({ ...held, leaderDeaths: [15_000] })).toEqual(['L4']);
  });

  test('sees it though a leader died, when the target took no new connections then and nothing was held (L4)', () => {
    const closed = endedOpen(38_000);
    for (const pod of [FIRST, SECOND])
      closed.journal.push({ ...healthy(20_000, pod), status: 'Dead' } as JournalRecord);
    expect(lawsBroken({ ...closed, leaderDeaths: [25_000] })).toEqual(['L4']);
  });

  test('sees a Pod opened again after its SIGTERM, but not one whose container was started anew (L4)', () => {
    const run = serving();
    run.apiWrites.push(deleted(8_000, FIRST));
    run.records.push(moment(8_010, FIRST, { type: 'preStopBegan', ...CONTAINER }));
    run.journal.push(changed(8_300, target('target-reweighted', FIRST, 0)));
    const outcome = { type: 'answered', status: 200 } as const;
    run.records.push(moment(14_000, FIRST, { type: 'preStopEnded', ...CONTAINER, outcome }));
    run.records.push(moment(14_010, FIRST, { type: 'signalled', ...CONTAINER, signal: 'TERM' }));
    run.journal.push(changed(16_000, target('target-reweighted', FIRST, 10)));
    expect(lawsBroken(run)).toEqual(['L4']);
    run.records.push(moment(15_000, FIRST, { type: 'started', ...CONTAINER }));
    expect(lawsBroken(run)).toEqual([]);
  });

  test('sees a hook call that is held for longer than its budget, also one that never ends (L4)', () => {
    const run = serving();
    run.records.push(moment(8_010, FIRST, { type: 'preStopBegan', ...CONTAINER }));
    run.records.push(moment(39_000, SECOND, { type: 'started', ...CONTAINER }));
    expect(lawsBroken(run)).toEqual(['L4']);
  });

  test('takes a hook call for ended when its machine loses its power, of which no kubelet tells (L4)', () => {
    const run = serving();
    run.records.push(moment(8_010, FIRST, { type: 'preStopBegan', ...CONTAINER }));
    run.records.push(moment(9_000, FIRST, { type: 'exited', ...CONTAINER, exitCode: 137 }));
    run.records.push(moment(39_000, SECOND, { type: 'started', ...CONTAINER }));
    expect(lawsBroken(run)).not.toContain('L4');
  });

  describe('when a deregistration cuts connections', () => {
    function cut(run: ReturnType<typeof serving>, at = 8_000): void {
      const removal = target('target-deregistered', FIRST, 0);
      const targets = [{ ...removal, liveConnections: 2, openedConnections: 5 }];
      run.journal.push(changed(at, removal));
      run.journal.push({ kind: 'forwarded', at: at + 1_000, forwarder: 0, requestId: 'request', targets });
    }

    test('sees it (L4)', () => {
      const run = serving();
      run.apiWrites.push(deleted(7_000, FIRST));
      cut(run);
      expect(lawsBroken(run)).toEqual(['L4']);
    });

    test('lets those go of a Pod that was deleted by force and has stood closed for half a minute: it may run on unseen', () => {
      const broken = (closedAt: number) => {
        const run = serving();
        run.apiWrites.push(deleted(closedAt, FIRST), { ...deleted(39_000, FIRST), body: { gracePeriodSeconds: 0 } });
        run.journal.push(changed(closedAt, target('target-reweighted', FIRST, 0)));
        cut(run, 40_000);
        return lawsBroken(run);
      };
      expect(broken(9_000)).toEqual([]);
      expect(broken(15_000)).toEqual(['L4']);
    });

    test('lets those go of a Pod that has stood closed for half a minute to give its place, and only where CLB is full', () => {
      const broken = (closedAt: number, fullListener: string) => {
        const run = serving();
        run.journal.push(full(fullListener));
        run.journal.push(changed(closedAt, target('target-reweighted', FIRST, 0)));
        cut(run, 40_000);
        return lawsBroken(run).filter(law => law === 'L4');
      };
      expect(broken(9_000, 'lbl-1')).toEqual([]);
      expect(broken(15_000, 'lbl-1')).toEqual(['L4']);
      expect(broken(9_000, 'lbl-2')).toEqual(['L4']);
    });

    test('sees those of a deleted Pod though CLB is full: its hook is waited for (L4)', () => {
      const run = serving();
      run.journal.push(full('lbl-1'));
      run.apiWrites.push(deleted(8_000, FIRST));
      run.journal.push(changed(9_000, target('target-reweighted', FIRST, 0)));
      cut(run, 40_000);
      expect(lawsBroken(run)).toEqual(['L4']);
    });

    test.each([
      ['sees it when another Pod of the application has inherited the address (L4)', 'web-5c9f-ccccc', ['L4']],
      ['lets misled ones go that have reached a Pod of another application', 'shop-77aa-ccccc', []],
    ])('%s', (_, name, laws) => {
      const run = serving();
      run.apiWrites.push(deleted(7_000, FIRST));
      run.records.push(moment(7_500, FIRST, { type: 'addressReleased' }));
      run.records.push(moment(7_800, { ...FIRST, name, uid: 'uid-c' }, { type: 'addressAssigned' }));
      cut(run);
      expect(lawsBroken(run)).toEqual(laws);
    });
  });

  test('sees an address that is opened for a Pod that does not have it (L5)', () => {
    const run = serving();
    run.journal.push(changed(9_000, target('target-registered', FIRST, 10, '10.0.0.9')));
    expect(lawsBroken(run)).toEqual(['L5']);
  });

  test('sees nothing wrong with an address that only the API server still gives a Pod whose machine came back', () => {
    const run = serving();
    run.apiWrites.push(deleted(7_000, FIRST));
    run.records.push(moment(8_000, { ...FIRST, address: '10.0.0.9' }, { type: 'addressAssigned' }));
    run.journal.push(changed(60_000, target('target-reweighted', FIRST, 10)));
    expect(lawsBroken(run)).toEqual([]);
    run.records.push(moment(50_000, { ...SECOND, uid: 'uid-c', address: FIRST.address }, { type: 'addressAssigned' }));
    expect(lawsBroken(run)).toEqual(['L5']);
  });

  test('takes the weight that others have lessened and we put back for no opening, but what they had closed for one', () => {
    const withTheirs = (weight: number) => {
      const run = serving();
      const asked = call('BatchModifyTargetWeight', 7_900, 8_000);
      const theirs = changed(8_000, target('target-reweighted', FIRST, weight));
      run.journal.push(Object.assign(asked, { requestId: 'theirs', foreign: true }));
      run.journal.push(Object.assign(theirs, { requestId: 'theirs' }));
      run.records.push(moment(8_500, FIRST, { type: 'addressReleased' }));
      run.journal.push(changed(20_000, target('target-reweighted', FIRST, 10)));
      return lawsBroken(run);
    };
    expect(withTheirs(3)).not.toContain('L5');
    expect(withTheirs(0)).toContain('L5');
  });

  test("sees a change of somebody else's target (L6)", () => {
    const run = serving();
    const foreign = { ...target('target-registered', FIRST, 0), address: '10.7.7.7', tag: 'theirs' };
    run.journal.push(changed(9_000, foreign));
    expect(lawsBroken(run)).toContain('L6');
  });

  test('sees two writes at once on one load balancer, but not one that its caller had given up (L7)', () => {
    const run = serving();
    run.journal.push(call('BatchRegisterTargets', 9_000, 20_000), call('BatchModifyTargetWeight', 15_500, 16_000));
    expect(lawsBroken(run)).toEqual([]);
    run.journal.push(call('BatchDeregisterTargets', 15_900, 17_000));
    expect(lawsBroken(run)).toEqual(['L7']);
  });

  test('holds nothing against us that others did or CLB by itself', () => {
    const run = serving();
    const theirs = Object.assign(call('BatchDeregisterTargets', 15_000, 15_900), {
      requestId: 'theirs',
      foreign: true,
    });
    const unbound = Object.assign(changed(9_000, target('target-deregistered', FIRST, 10)), { requestId: '' });
    const changedTarget = { ...target('target-registered', FIRST, 0), address: '10.7.7.7', tag: 'theirs' };
    run.journal.push(unbound, call('BatchModifyTargetWeight', 15_000, 16_000), theirs);
    const changes = changed(15_800, target('target-deregistered', SECOND, 10), changedTarget);
    run.journal.push(Object.assign(changes, { requestId: 'theirs' }));
    expect(lawsBroken(run)).toEqual([]);
  });
});

import { beforeEach, describe, expect, test } from 'vitest';
import { ContainerState, PodPhase, type PodRecord } from '../../common/pod-record.ts';
import { API_SERVER } from './node-reports.ts';
import { container, podRecord } from './pod.fixture.ts';
import { ReportStore } from './report-store.ts';

const OWN = 'own watch';
const STARTING = { phase: PodPhase.PENDING, ready: false, containers: [container('main', ContainerState.WAITING)] };

describe('an agent that is behind what the API server told the coordinator itself', () => {
  let store: ReportStore;
  let changes: number;
  const say = (...upserts: readonly PodRecord[]) => store.apply('n1', { upserts, removals: [], session: 's' }, 200);
  const list = (...pods: readonly PodRecord[]) =>
    store.replace('n1', pods, { consistent: true, now: 100, session: 's' });
  const known = () => store.pods.get('pod-1')?.record;
  beforeEach(() => {
    changes = 0;
    store = new ReportStore(() => {
      changes += 1;
    });
    store.open('n1', OWN, API_SERVER);
    store.replace('n1', [podRecord({ version: 12 })], { consistent: true, now: 0, session: OWN });
    store.open('n1', 's', { agent: 'a', startedAtMs: 1_000 });
  });

  test('takes nothing back of it, by its list or by what its watch tells next (L1)', () => {
    list(podRecord({ ...STARTING, version: 10 }));
    store.close('n1', OWN);
    say(podRecord({ ready: false, version: 11 }));
    expect(known()).toEqual(podRecord());
    // The second one: that an agent knows of it.
    expect(changes).toBe(2);
  });

  test('has the say from where it knows as much', () => {
    list(podRecord({ ...STARTING, version: 10 }));
    say(podRecord({ ready: false, version: 12 }));
    expect(known()?.ready).toBe(false);
    say(podRecord({ version: 11 }));
    expect(known()?.ready).toBe(true);
  });

  test('is believed about exits and deletions, and about what only its node shows', () => {
    store.replace('n1', [podRecord({ eni: undefined, version: 12 })], { consistent: true, now: 0, session: OWN });
    const deletion = { seenAtMs: 0, gracePeriodSeconds: 30 };
    list(podRecord({ containers: [container('main', ContainerState.EXITED)], deletion, version: 10 }));
    expect(known()).toMatchObject({ ready: false, deletion, eni: { attached: true } });
  });

  test('takes an exit back when it has caught up: a status may call a container exited before its start', () => {
    list(podRecord({ containers: [container('main', ContainerState.EXITED)], version: 10 }));
    say(podRecord({ version: 12 }));
    expect(known()).toEqual(podRecord());
  });

  test('is believed where nobody tells versions', () => {
    list(podRecord({ ready: false }));
    expect(known()?.ready).toBe(false);
  });

  test('is not one that only knows less than another agent, which may have told what is not so', () => {
    store.open('n2', 't', { agent: 'b', startedAtMs: 0 });
    store.replace('n2', [podRecord({ uid: 'pod-2', version: 99 })], { consistent: true, now: 0, session: 't' });
    store.open('n2', 'u', { agent: 'c', startedAtMs: 1_000 });
    store.replace('n2', [podRecord({ uid: 'pod-2', ready: false, version: 3 })], {
      consistent: true,
      now: 0,
      session: 'u',
    });
    expect(store.pods.get('pod-2')?.record.ready).toBe(false);
  });
});

import { describe, expect, test } from 'vitest';
import type { Pod } from '../kube/objects.ts';
import { READINESS_GATE } from '../names.ts';
import { ContainerState, GateState, PodPhase, Protocol } from '../pod-record.ts';
import { kubePod } from './pod.fixture.ts';
import { projectPod } from './project-pod.ts';

const project = (pod: Pod) => projectPod(pod, { pureVpcCni: false });
const condition = (type: string, status: 'True' | 'False') => ({ type, status });

describe('the record of a Pod', () => {
  test('holds what planning needs', () => {
    const record = project(
      kubePod({ metadata: { creationTimestamp: '2026-01-01T00:00:00Z', labels: { app: 'web' } } }),
    );
    expect(record).toMatchObject({
      uid: 'uid-1',
      namespace: 'default',
      name: 'web-1',
      addresses: ['10.0.0.5'],
      labels: { app: 'web' },
      ports: [{ name: 'http', port: 80, protocol: Protocol.TCP }],
      phase: PodPhase.RUNNING,
      ready: true,
      deletion: undefined,
      containers: [{ name: 'web', containerId: 'c1', state: ContainerState.RUNNING, restartCount: 0 }],
      gate: GateState.ABSENT,
      createdAtMs: 1_767_225_600_000,
    });
  });

  test('is made of a Pod that has no status yet', () => {
    const { status, ...pod } = kubePod();
    expect(status).toBeDefined();
    expect(project(pod)).toMatchObject({ addresses: [], ready: false, phase: PodPhase.UNSPECIFIED });
  });

  test.each([
    ['4711', 4711],
    ['', undefined],
    ['0x12', undefined],
    ['9007199254740993', undefined],
  ])('tells version "%s" as %s: only numbers compare', (resourceVersion, version) => {
    expect(project(kubePod({ metadata: { resourceVersion } })).version).toBe(version);
  });

  test.each(['Succeeded', 'Failed'] as const)('owns no address in phase %s', phase => {
    expect(project(kubePod({ status: { phase } })).addresses).toEqual([]);
  });

  test('is ready without our gate, and not without any other', () => {
    const readinessGates = [{ conditionType: READINESS_GATE }, { conditionType: 'example.com/warm' }];
    const ready = condition('ContainersReady', 'True');
    const warm = condition('example.com/warm', 'True');
    const cold = kubePod({
      spec: { readinessGates },
      status: { conditions: [ready, condition(READINESS_GATE, 'True')] },
    });
    expect(project(cold)).toMatchObject({ ready: false, gate: GateState.OPEN });
    const closed = kubePod({ spec: { readinessGates }, status: { conditions: [ready, warm] } });
    expect(project(closed)).toMatchObject({ ready: true, gate: GateState.CLOSED });
  });

  test('says that its node is lost: not ready without a reason, which no kubelet leaves out', () => {
    const conditions = [condition('ContainersReady', 'True'), condition('Ready', 'False')];
    expect(project(kubePod({ status: { conditions } }))).toMatchObject({ ready: true, lostWithNode: true });
    const waiting = [
      condition('ContainersReady', 'True'),
      { ...condition('Ready', 'False'), reason: 'ReadinessGatesNotReady' },
    ];
    expect(project(kubePod({ status: { conditions: waiting } }))).not.toHaveProperty('lostWithNode');
    expect(project(kubePod({ status: { conditions: [condition('Ready', 'False')] } }))).not.toHaveProperty(
      'lostWithNode',
    );
  });

  test('tells the grace period of a deletion', () => {
    const metadata = { deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 30 };
    expect(project(kubePod({ metadata })).deletion).toEqual({ seenAtMs: 0, gracePeriodSeconds: 30 });
  });

  test('keeps our annotations and the weights, and no others', () => {
    const annotations = {
      'clb-direct.io/drain-seconds': '9',
      'service.cloud.tencent.com/custom-weight': '{}',
      other: 'x',
    };
    expect(Object.keys(project(kubePod({ metadata: { annotations } })).annotations)).toEqual([
      'clb-direct.io/drain-seconds',
      'service.cloud.tencent.com/custom-weight',
    ]);
  });

  test('counts a container between two starts as exited, and sidecars as containers', () => {
    const status = {
      name: 'web',
      containerID: 'containerd://c1',
      ready: false,
      restartCount: 1,
      state: { waiting: {} },
    };
    const initContainers = [
      {
        name: 'proxy',
        image: 'envoy',
        restartPolicy: 'Always',
        ports: [{ containerPort: 53, protocol: 'UDP' as const }],
      },
      { name: 'setup', image: 'sh', ports: [{ containerPort: 99 }] },
    ];
    const record = project(kubePod({ spec: { initContainers }, status: { containerStatuses: [status] } }));
    expect(record.containers.map(({ name, state }) => [name, state])).toEqual([
      ['web', ContainerState.EXITED],
      ['proxy', ContainerState.WAITING],
    ]);
    expect(record.ports.map(({ port }) => port)).toEqual([80, 53]);
  });
});

import type { Pod } from '../kube/objects.ts';
import { HOOK_PATH, HOOK_PORT } from '../names.ts';
import { ContainerState, GateState, PodPhase, type PodRecord, Protocol } from '../pod-record.ts';

/** For tests: a ready Pod with one running container, but for `overrides`. */
export function podRecord(overrides: Partial<PodRecord> = {}): PodRecord {
  return {
    uid: 'uid-1',
    namespace: 'default',
    name: 'web-1',
    addresses: ['10.0.0.5'],
    labels: { app: 'web' },
    hostNetwork: false,
    eni: { attached: true, reason: 'resource tke.cloud.tencent.com/eni-ip' },
    ports: [{ name: 'http', port: 80, protocol: Protocol.TCP }],
    phase: PodPhase.RUNNING,
    ready: true,
    deletion: undefined,
    containers: [{ name: 'web', containerId: 'c1', state: ContainerState.RUNNING, restartCount: 0 }],
    gate: GateState.OPEN,
    annotations: {},
    createdAtMs: 0,
    ...overrides,
  };
}

/** For tests: a running, ready Pod as the API server holds it, with our hook. */
export function kubePod(
  overrides: {
    metadata?: Partial<Pod['metadata']>;
    spec?: Partial<Pod['spec']>;
    status?: Partial<NonNullable<Pod['status']>>;
  } = {},
): Pod {
  return {
    metadata: { namespace: 'default', name: 'web-1', uid: 'uid-1', resourceVersion: '1', ...overrides.metadata },
    spec: {
      nodeName: 'node1',
      containers: [
        {
          name: 'web',
          image: 'nginx',
          ports: [{ name: 'http', containerPort: 80 }],
          lifecycle: { preStop: { httpGet: { port: HOOK_PORT, path: HOOK_PATH } } },
        },
      ],
      ...overrides.spec,
    },
    status: {
      phase: 'Running',
      podIP: '10.0.0.5',
      podIPs: [{ ip: '10.0.0.5' }],
      conditions: [{ type: 'ContainersReady', status: 'True' }],
      containerStatuses: [
        { name: 'web', containerID: 'containerd://c1', ready: true, restartCount: 0, state: { running: {} } },
      ],
      ...overrides.status,
    },
  };
}

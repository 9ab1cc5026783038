import type { Node, Pod } from '../../../common/kube/objects.ts';
import type { Deployment, IntOrPercent, ReplicaSet } from './workloads.ts';

/** Objects for the tests of this folder, as short as what they are about. */
export interface DeploymentFixture {
  readonly replicas?: number;
  readonly image?: string;
  readonly maxSurge?: IntOrPercent;
  readonly maxUnavailable?: IntOrPercent;
  readonly minReadySeconds?: number;
}

export function deploymentFixture(fixture: DeploymentFixture = {}): Deployment {
  const { replicas = 3, image = 'nginx', maxSurge = '25%', maxUnavailable = '25%', minReadySeconds = 0 } = fixture;
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web', namespace: 'default', uid: 'deployment-1', generation: 1 },
    spec: {
      replicas,
      minReadySeconds,
      selector: { matchLabels: { app: 'web' } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge, maxUnavailable } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image }] } },
    },
  };
}

export interface PodFixture {
  readonly name: string;
  readonly nodeName?: string;
  readonly readyForMs?: number;
  readonly ageMs?: number;
  readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  readonly deleted?: boolean;
  readonly ownerUid?: string;
  readonly requests?: Record<string, string>;
  readonly restarts?: number;
}

export const FIXTURE_NOW_MS = Date.UTC(2026, 0, 1);

export function podFixture(fixture: PodFixture): Pod {
  const {
    name,
    nodeName,
    readyForMs,
    ageMs = 3_600_000,
    phase = 'Running',
    ownerUid,
    requests,
    restarts = 0,
  } = fixture;
  const before = (durationMs: number) => new Date(FIXTURE_NOW_MS - durationMs).toISOString();
  return {
    metadata: {
      name,
      namespace: 'default',
      uid: `uid-${name}`,
      creationTimestamp: before(ageMs),
      ...(fixture.deleted && { deletionTimestamp: before(0) }),
      ...(ownerUid && {
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'web', uid: ownerUid, controller: true }],
      }),
    },
    spec: {
      ...(nodeName && { nodeName }),
      containers: [{ name: 'web', image: 'nginx', ...(requests && { resources: { requests } }) }],
    },
    status: {
      phase,
      conditions: [
        readyForMs === undefined
          ? { type: 'Ready', status: 'False' }
          : { type: 'Ready', status: 'True', lastTransitionTime: before(readyForMs) },
      ],
      containerStatuses: [{ name: 'web', ready: readyForMs !== undefined, restartCount: restarts }],
    },
  };
}

export function replicaSetFixture(replicas: number, minReadySeconds = 0): ReplicaSet {
  const { selector, template } = deploymentFixture().spec;
  return {
    metadata: { name: 'web-1', namespace: 'default', uid: 'replica-set-1', generation: 4 },
    spec: { replicas, minReadySeconds, selector, template },
  };
}

export function nodeFixture(name: string, allocatable: Record<string, string> = {}, spec: Node['spec'] = {}): Node {
  return {
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    spec,
    status: { allocatable: { pods: '110', cpu: '4', memory: '8Gi', ...allocatable } },
  };
}

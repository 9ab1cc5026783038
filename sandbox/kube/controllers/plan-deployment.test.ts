import { describe, expect, test } from 'vitest';
import { type DeploymentAction, planDeployment } from './plan-deployment.ts';
import { type DeploymentFixture, deploymentFixture, FIXTURE_NOW_MS } from './workload-fixtures.ts';
import type { Deployment, ReplicaSet } from './workloads.ts';

/** Plays the plan's actions on values; Pods become available or end only when the test says so. */
class Rollout {
  deployment: Deployment;
  replicaSets: ReplicaSet[] = [];

  constructor(fixture: DeploymentFixture) {
    this.deployment = deploymentFixture(fixture);
  }

  /** Plans and acts until there is nothing left to do without Pods changing. */
  settle(): this {
    for (let round = 0; round < 20; round++) {
      const plan = planDeployment({
        deployment: this.deployment,
        replicaSets: this.replicaSets,
        nowMs: FIXTURE_NOW_MS,
      });
      this.deployment = { ...this.deployment, status: plan.status };
      if (plan.actions.length === 0) return this;
      for (const action of plan.actions) this.#perform(action);
    }
    throw new Error('the plan never came to rest');
  }

  /** Every Pod that is wanted exists; of each ReplicaSet as many are available as `available` says (default all). */
  podsFollow(available: Record<string, number> = {}): this {
    this.replicaSets = this.replicaSets.map(replicaSet => {
      const replicas = replicaSet.spec.replicas ?? 0;
      const ready = Math.min(replicas, available[imageOf(replicaSet)] ?? replicas);
      return { ...replicaSet, status: { replicas, readyReplicas: ready, availableReplicas: ready } };
    });
    return this;
  }

  setImage(image: string): this {
    const { template } = deploymentFixture({ image }).spec;
    this.deployment = { ...this.deployment, spec: { ...this.deployment.spec, template } };
    return this;
  }

  scale(replicas: number): this {
    this.deployment = { ...this.deployment, spec: { ...this.deployment.spec, replicas } };
    return this;
  }

  sizes(): Record<string, number> {
    return Object.fromEntries(this.replicaSets.map(replicaSet => [imageOf(replicaSet), replicaSet.spec.replicas ?? 0]));
  }

  revisions(): Record<string, string | undefined> {
    const revision = ({ metadata }: ReplicaSet) => metadata.annotations?.['deployment.kubernetes.io/revision'];
    return Object.fromEntries(this.replicaSets.map(replicaSet => [imageOf(replicaSet), revision(replicaSet)]));
  }

  #perform(action: DeploymentAction): void {
    switch (action.type) {
      case 'create':
        this.replicaSets.push({ ...action.replicaSet, status: { replicas: 0 } });
        return;
      case 'delete':
        this.replicaSets = this.replicaSets.filter(other => other !== action.replicaSet);
        return;
      case 'setRevision': {
        const annotations = { 'deployment.kubernetes.io/revision': action.revision };
        this.deployment = { ...this.deployment, metadata: { ...this.deployment.metadata, annotations } };
        return;
      }
      case 'update':
        this.replicaSets = this.replicaSets.map(other =>
          other === action.replicaSet ? changed(other, action) : other,
        );
    }
  }
}

function changed(replicaSet: ReplicaSet, action: Extract<DeploymentAction, { type: 'update' }>): ReplicaSet {
  const { annotations, replicas = replicaSet.spec.replicas ?? 0 } = action.change;
  const metadata = { ...replicaSet.metadata, annotations: { ...replicaSet.metadata.annotations, ...annotations } };
  return { ...replicaSet, metadata, spec: { ...replicaSet.spec, replicas } };
}

function imageOf({ spec }: ReplicaSet): string {
  return spec.template.spec.containers[0]?.image ?? '';
}

test('a new Deployment gets one ReplicaSet of full size, named after its template', () => {
  const rollout = new Rollout({ replicas: 3, image: 'v1' }).settle();
  expect(rollout.sizes()).toEqual({ v1: 3 });
  const [replicaSet] = rollout.replicaSets;
  const hash = replicaSet?.metadata.labels?.['pod-template-hash'];
  expect(replicaSet?.metadata.name).toBe(`web-${hash}`);
  expect(replicaSet?.spec.selector.matchLabels).toEqual({ app: 'web', 'pod-template-hash': hash });
});

describe('a rolling update of 3 with the default 25 %', () => {
  test('adds one new Pod and takes no old one before it is available', () => {
    const rollout = new Rollout({ replicas: 3, image: 'v1' }).settle().podsFollow().settle().setImage('v2').settle();
    expect(rollout.sizes()).toEqual({ v1: 3, v2: 1 });
    rollout.podsFollow({ v2: 0 }).settle();
    expect(rollout.sizes()).toEqual({ v1: 3, v2: 1 });
  });

  test('goes one by one as new Pods become available, and ends complete', () => {
    const rollout = new Rollout({ replicas: 3, image: 'v1' }).settle().podsFollow().settle().setImage('v2').settle();
    rollout.podsFollow().settle();
    expect(rollout.sizes()).toEqual({ v1: 2, v2: 2 });
    rollout.podsFollow().settle();
    expect(rollout.sizes()).toEqual({ v1: 1, v2: 3 });
    rollout.podsFollow().settle().podsFollow().settle();
    expect(rollout.sizes()).toEqual({ v1: 0, v2: 3 });
    expect(rollout.deployment.status).toMatchObject({ replicas: 3, updatedReplicas: 3, availableReplicas: 3 });
    expect(rollout.deployment.status?.conditions?.map(({ reason }) => reason)).toEqual([
      'MinimumReplicasAvailable',
      'NewReplicaSetAvailable',
    ]);
  });
});

test('maxUnavailable lets old Pods go at once, and no more of them while the new ones are not available', () => {
  const rollout = new Rollout({ replicas: 10, image: 'v1', maxSurge: 0, maxUnavailable: 2 });
  rollout.settle().podsFollow().settle().setImage('v2').settle();
  expect(rollout.sizes()).toEqual({ v1: 8, v2: 2 });
  rollout.podsFollow({ v2: 0 }).settle();
  expect(rollout.sizes()).toEqual({ v1: 8, v2: 2 });
});

test('old Pods that are not available go first', () => {
  const rollout = new Rollout({ replicas: 4, image: 'v1', maxSurge: 1, maxUnavailable: 0 });
  rollout.settle().podsFollow({ v1: 2 }).settle().setImage('v2').settle().podsFollow({ v1: 2, v2: 0 }).settle();
  expect(rollout.sizes()).toEqual({ v1: 4, v2: 1 });
  rollout.podsFollow({ v1: 2, v2: 1 }).settle();
  expect(rollout.sizes()).toEqual({ v1: 3, v2: 2 });
});

test('a rollback makes the old template the newest revision again', () => {
  const rollout = new Rollout({ replicas: 1, image: 'v1' }).settle().podsFollow().settle();
  rollout.setImage('v2').settle().podsFollow().settle().podsFollow().settle();
  rollout.setImage('v1').settle();
  expect(rollout.revisions()).toEqual({ v1: '3', v2: '2' });
  expect(rollout.deployment.metadata.annotations).toMatchObject({ 'deployment.kubernetes.io/revision': '3' });
});

test('a scale in the middle of a rollout is spread in proportion', () => {
  const rollout = new Rollout({ replicas: 10, image: 'v1', maxSurge: 3, maxUnavailable: 2 });
  rollout.settle().podsFollow().settle().setImage('v2').settle();
  expect(rollout.sizes()).toEqual({ v1: 8, v2: 5 });
  rollout.podsFollow({ v2: 0 }).scale(15).settle();
  expect(rollout.sizes()).toEqual({ v1: 11, v2: 7 });
});

test('a scale to zero and back keeps one ReplicaSet', () => {
  const rollout = new Rollout({ replicas: 3, image: 'v1' }).settle().podsFollow().settle().scale(0).settle();
  expect(rollout.sizes()).toEqual({ v1: 0 });
  rollout.podsFollow().scale(2).settle();
  expect(rollout.sizes()).toEqual({ v1: 2 });
});

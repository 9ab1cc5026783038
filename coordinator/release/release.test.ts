import { beforeEach, describe, expect, test } from 'vitest';
import { instanceNames } from '../../common/instance-names.ts';
import { FINALIZER, READINESS_GATE } from '../../common/names.ts';
import { cloudError } from '../lanes/fake-cloud.ts';
import { CONFIG_MAP, INGRESS, ReleaseStage, SECRET, SERVICE, WEBHOOK } from './release.fixture.ts';

const PODS = '/api/v1/namespaces/default/pods';
const SERVICES = '/api/v1/namespaces/default/services';

let stage: ReleaseStage;

beforeEach(async () => {
  stage = await new ReleaseStage().prepare();
});

async function gateOf(name: string) {
  const { conditions = [] } = ((await stage.read(`${PODS}/${name}`))?.status ?? {}) as {
    conditions?: { type: string }[];
  };
  return conditions.find(({ type }) => type === READINESS_GATE);
}

describe('a release', () => {
  test('takes off our finalizers alone, and leaves address and load balancer as they are', async () => {
    expect(await stage.release()).toEqual([]);
    expect((await stage.read(SERVICE))?.metadata).toMatchObject({
      finalizers: ['example.com/other'],
      annotations: { 'service.kubernetes.io/loadbalance-id': 'lb-a' },
    });
    expect((await stage.read(INGRESS))?.metadata.finalizers ?? []).toEqual([]);
    expect(stage.said.join('\n')).toContain('load balancers that stay as they are:\n  lb-a');
  });

  test('removes the webhook and the certificates, and ends the processes', async () => {
    await stage.release();
    for (const path of [WEBHOOK, SECRET, CONFIG_MAP]) expect(await stage.read(path)).toBeUndefined();
    const own = await stage.read('/api/v1/namespaces/clb-direct/pods');
    expect(own?.items).toEqual([]);
    expect(stage.said).toContain('redirect rules are taken off all nodes');
  });

  test('opens gates that are shut, and no others', async () => {
    await stage.addPod('default', 'shut', { hasGate: true, gate: 'False' });
    await stage.addPod('default', 'new', { hasGate: true });
    await stage.addPod('default', 'open', { hasGate: true, gate: 'True' });
    await stage.addPod('default', 'other');
    await stage.release();
    expect(await gateOf('shut')).toMatchObject({ status: 'True', reason: 'Released' });
    expect(await gateOf('new')).toMatchObject({ status: 'True', reason: 'Released' });
    expect(await gateOf('open')).not.toHaveProperty('reason');
    expect(await gateOf('other')).toBeUndefined();
  });

  test('may be repeated', async () => {
    await stage.release();
    expect(await stage.release()).toEqual([]);
  });

  test('takes nothing off while a coordinator lives, which would put it back', async () => {
    stage.coordinatorsEnd = false;
    expect(await stage.release()).toEqual([
      expect.stringMatching(/coordinators do not end: clb-direct-coordinator clb-direct-coordinator-second; delete/),
    ]);
    expect((await stage.read(SERVICE))?.metadata.finalizers).toContain(FINALIZER);
    expect(await stage.read(WEBHOOK)).toBeDefined();
    stage.coordinatorsEnd = true;
    expect(await stage.release()).toEqual([]);
  });

  test('lets the coordinators finish what is being deleted', async () => {
    await stage.delete(SERVICE);
    stage.api.clock.schedule(5_000, () => void stage.api.patch('merge', SERVICE, { metadata: { finalizers: null } }));
    expect(await stage.release()).toEqual([]);
    expect(stage.said.join('\n')).not.toContain('is being deleted');
    const ended = stage.requests.findIndex(({ method, path }) => method === 'DELETE' && path.endsWith('coordinator'));
    const looks = stage.requests.slice(0, ended).filter(({ path }) => path === '/api/v1/services');
    expect(looks.length).toBeGreaterThan(9);
  });

  test('waits half a minute for that, and names what nobody will clean up', async () => {
    await stage.delete(INGRESS);
    expect(await stage.release()).toEqual([]);
    expect(stage.said.join('\n')).toContain('default/front is being deleted, and its load balancers may be left');
    expect(await stage.read(INGRESS)).toBeUndefined();
  });

  test('names workloads whose own template has the gate', async () => {
    stage.putApp('/apis/apps/v1/namespaces/default/statefulsets/database', [{ conditionType: READINESS_GATE }]);
    stage.putApp('/apis/apps/v1/namespaces/default/statefulsets/cache', [{ conditionType: 'example.com/other' }]);
    await stage.release();
    expect(stage.said.join('\n')).toContain('template of statefulsets\n  default/database: its new Pods');
    expect(stage.said.join('\n')).not.toContain('default/cache');
  });

  test('does not wait for a node that nobody reaches for longer than a minute', async () => {
    stage.nodesCleaned = 1;
    const begunAt = stage.api.clock.now();
    expect(await stage.release()).toEqual([]);
    expect(stage.api.clock.now() - begunAt).toBeLessThan(70_000);
    expect(stage.said.join('\n')).toContain('redirect rules may be left on');
  });

  test('goes on past what fails, and tells it at the end', async () => {
    const refusal = { status: 403, body: { message: 'may not patch', reason: 'Forbidden' } };
    stage.intercept = ({ method, path }) => (method === 'PATCH' && path === INGRESS ? refusal : undefined);
    expect(await stage.release()).toEqual([expect.stringMatching(/^taking finalizers off: .*403 may not patch/)]);
    expect((await stage.read(SERVICE))?.metadata.finalizers).toEqual(['example.com/other']);
    expect(stage.said).toContain('agents have ended');
  });

  test('tries again when somebody else has just written the Service', async () => {
    let isFirst = true;
    stage.intercept = ({ method, path }) => {
      if (method !== 'PATCH' || path !== SERVICE || !isFirst) return undefined;
      isFirst = false;
      void stage.api.patch('merge', SERVICE, { metadata: { labels: { a: 'b' } } });
      return { status: 409, body: { reason: 'Conflict' } };
    };
    expect(await stage.release()).toEqual([]);
    expect((await stage.read(SERVICE))?.metadata).toMatchObject({
      finalizers: ['example.com/other'],
      labels: { a: 'b' },
    });
  });

  test('leaves what another instance has', async () => {
    stage.names = instanceNames({ name: 'inner', hookPort: 19_450 });
    await stage.addService('inner', [stage.names.finalizer]);
    await stage.release();
    expect((await stage.read(`${SERVICES}/inner`))?.metadata.finalizers ?? []).toEqual([]);
    expect((await stage.read(SERVICE))?.metadata.finalizers).toContain(FINALIZER);
    expect(await stage.read(WEBHOOK)).toBeDefined();
  });

  test('leaves Services of others alone', async () => {
    await stage.addService('theirs', ['example.com/other']);
    await stage.release();
    const wrote = stage.requests.filter(({ method, path }) => method !== 'GET' && path === `${SERVICES}/theirs`);
    expect(wrote).toEqual([]);
  });
});

describe('load balancers that were made for the cluster', () => {
  test('say in their names that nobody keeps them up any more, and no others do', async () => {
    expect(await stage.release()).toEqual([]);
    expect(stage.loadBalancerNames).toEqual({ 'lb-a': 'released-web', 'lb-b': 'released-front', 'lb-other': 'other' });
    expect(stage.said).toContain('marked 2 load balancer(s) as released, by their names');
  });

  test('are marked once', async () => {
    await stage.release();
    await stage.release();
    expect(stage.cloud.balancerWrites).toHaveLength(2);
    expect(stage.loadBalancerNames['lb-a']).toBe('released-web');
  });

  test('keep their names when CLB refuses, and the removal goes on', async () => {
    stage.cloud.balancerError = cloudError({ class: 'terminal', code: 'CD2027', message: 'not allowed' });
    expect(await stage.release()).toEqual([]);
    expect(stage.loadBalancerNames['lb-a']).toBe('web');
    expect(stage.said.join('\n')).toContain('not all load balancers are marked as released: not allowed');
  });

  test('keep their names when nobody says where they are', async () => {
    stage.hasAccount = false;
    expect(await stage.release()).toEqual([]);
    expect(stage.cloud.balancerReads).toEqual([]);
  });

  test('are marked after everything that somebody waits for', async () => {
    const seen: string[] = [];
    const { describeLoadBalancers } = stage.cloud;
    stage.cloud.describeLoadBalancers = (query, signal) => {
      seen.push(...stage.said);
      return describeLoadBalancers(query, signal);
    };
    await stage.release();
    expect(seen).toContain('redirect rules are taken off all nodes');
  });
});

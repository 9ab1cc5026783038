import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Pod } from '../../common/kube/objects.ts';
import type { KubeletRecord } from '../../sandbox/kube/kubelet/kubelet-record.ts';
import { Estate, UNHARMED } from './load-balancers/estate.ts';
import { readyPods } from './traffic.ts';

const NODES = ['node-1', 'node-2', 'node-3'];
const PODS = '/api/v1/namespaces/default/pods';

/** A gateway that serves its node's own address on one port of every node, and is replaced there in place, node by node. */
describe('a DaemonSet gateway on the host network', () => {
  let estate: Estate;
  let made: number;

  beforeEach(async () => {
    made = 0;
    const instances = { 'ins-1': '10.0.0.1', 'ins-2': '10.0.0.2', 'ins-3': '10.0.0.3' };
    estate = await Estate.make({ seed: 31, nodes: NODES.length, clb: settings => ({ ...settings, instances }) });
    for (const node of NODES) await createOn(node);
    await estate.serve('gateway');
    await estate.untilReady('gateway', NODES.length);
  });
  afterEach(() => estate.world.close());

  test('rolls on the same addresses and ports without losing a request', async () => {
    await estate.load('gateway');
    for (let round = 0; round < 2; round += 1) for (const node of NODES) await replaceOn(node);
    await estate.passes(10_000);
    expect(openTargets()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3']);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('holds each SIGTERM by the token of the Pod that is deleted', async () => {
    for (const node of NODES) await replaceOn(node);
    const outcomes = ended().map(({ podName, outcome }) => [podName, outcome.type]);
    expect(outcomes).toEqual([
      ['gateway-1', 'answered'],
      ['gateway-2', 'answered'],
      ['gateway-3', 'answered'],
    ]);
    for (const { atMs, podName } of ended()) {
      const began = estate.world.records.find(record => record.type === 'preStopBegan' && record.podName === podName);
      expect(atMs - (began?.atMs ?? 0)).toBeGreaterThan(2_000);
    }
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('gives the target of a node to the next Pod there, and closes it for nobody else', async () => {
    const from = estate.world.journal.length;
    await replaceOn('node-2');
    await estate.passes(10_000);
    const changes = estate.world.journal
      .slice(from)
      .flatMap(record => (record.kind === 'change' ? record.changes : []));
    const touched = changes.flatMap(change => ('address' in change ? [change.address] : []));
    expect(new Set(touched)).toEqual(new Set(['10.0.0.2']));
    const [loadBalancer] = estate.account.loadBalancers();
    const targets = estate.account.targetsOn(loadBalancer?.id ?? '', 80);
    expect(targets.map(({ address, podName, weight }) => [address, podName, weight]).toSorted()).toEqual([
      ['10.0.0.1', 'gateway-1', 10],
      ['10.0.0.2', 'gateway-4', 10],
      ['10.0.0.3', 'gateway-3', 10],
    ]);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  function openTargets(): readonly string[] {
    const [loadBalancer] = estate.account.loadBalancers();
    return loadBalancer ? estate.account.openOn(loadBalancer.id, 80) : [];
  }

  function ended(): Extract<KubeletRecord, { type: 'preStopEnded' }>[] {
    return estate.world.records.filter(record => record.type === 'preStopEnded');
  }

  async function createOn(nodeName: string): Promise<void> {
    made += 1;
    await estate.world.create(PODS, {
      metadata: {
        name: `gateway-${made}`,
        labels: { app: 'gateway' },
        annotations: { 'clb-direct.io/inject': 'true' },
      },
      spec: { nodeName, hostNetwork: true, containers: [{ name: 'main', image: 'nginx' }] },
    });
  }

  /** As a DaemonSet's controller does it with maxUnavailable 1: the next Pod comes when the one before is gone. */
  async function replaceOn(nodeName: string): Promise<void> {
    const isThere = ({ spec }: Pod) => spec.nodeName === nodeName;
    const old = (await estate.world.pods()).find(isThere);
    await estate.deletePod(old?.metadata.name ?? '');
    await estate.until(`no Pod is on ${nodeName}`, async () => !(await estate.world.pods()).some(isThere));
    await createOn(nodeName);
    await estate.until(`a Pod serves on ${nodeName}`, async () =>
      (await readyPods(estate.world, 'gateway')).some(isThere),
    );
  }
});

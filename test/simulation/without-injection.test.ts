import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { BarePods } from '../../coordinator/leader/bare-pods.ts';
import { Estate, UNHARMED } from './load-balancers/estate.ts';

const REPLICAS = 3;
const LEFT_ALONE = { 'clb-direct.io/inject': 'false' };

describe('Pods that were made without gate and hook', () => {
  let estate: Estate;

  beforeEach(async () => {
    estate = await Estate.make({ seed: 23 });
    await estate.deploy('web', { replicas: REPLICAS, annotations: LEFT_ALONE });
    await estate.serve('web');
    await estate.until('all are bound', () => openTargets().length === REPLICAS);
  });
  afterEach(() => estate.world.close());

  test('are bound all the same, counted, and told of on their Deployment', async () => {
    await estate.passes(10_000);
    expect(await estate.addressesOfPods('web')).toEqual(expect.arrayContaining([...openTargets()]));
    expect(lacking(estate)).toEqual({ ungated: REPLICAS, none: REPLICAS });
    const events = (await estate.world.events()).filter(({ involvedObject }) => involvedObject.kind === 'Deployment');
    expect(events.map(({ involvedObject, reason, message }) => [involvedObject.name, reason, message])).toEqual([
      ['web', 'PodsUngated', expect.stringMatching(/^CD3010: Deployment default\/web has Pods with no readiness gate/)],
      [
        'web',
        'PodsUnhooked',
        expect.stringMatching(/^CD3011: Deployment default\/web .*rollout restart deployment\/web/),
      ],
    ]);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('are taken to weight 0 as the watch tells of their deletion, and gone from CLB when they are', async () => {
    const [pod] = await estate.world.pods();
    const address = pod?.status?.podIP;
    const from = estate.world.journal.length;
    const deletedAt = estate.world.clock.wallNow();
    await estate.deletePod(pod?.metadata.name ?? '');
    await estate.passes(60_000);
    const changes = estate.world.journal
      .slice(from)
      .flatMap(record =>
        record.kind !== 'change'
          ? []
          : record.changes.flatMap(change =>
              'address' in change && change.address === address ? [{ ...change, at: record.at }] : [],
            ),
      );
    expect(changes[0]).toMatchObject({ kind: 'target-reweighted', weight: 0 });
    expect((changes[0]?.at ?? 0) - deletedAt).toBeLessThan(1_000);
    const [loadBalancer] = estate.account.loadBalancers();
    const bound = estate.account.targetsOn(loadBalancer?.id ?? '', 80).map(({ podName }) => podName);
    expect(bound).toHaveLength(REPLICAS);
    expect(bound).not.toContain(pod?.metadata.name);
    const { breaches } = await estate.end();
    expect(breaches).toEqual([]);
  });

  test('are replaced by Pods that lack nothing when the workload rolls with injection', async () => {
    const annotations = { 'clb-direct.io/inject': null };
    await estate.patchDeployment('web', { spec: { template: { metadata: { annotations } } } });
    await estate.untilRolledOut('web');
    await estate.passes(60_000);
    expect(lacking(estate)).toEqual({ ungated: 0, none: 0 });
    const { breaches } = await estate.end();
    expect(breaches).toEqual([]);
  });

  /** Addresses to which CLB sends. */
  function openTargets(): readonly string[] {
    const [loadBalancer] = estate.account.loadBalancers();
    return loadBalancer ? estate.account.openOn(loadBalancer.id, 80) : [];
  }
});

function lacking({ world }: Estate): { ungated: number | undefined; none: number | undefined } {
  const bare: Pick<BarePods, 'ungated' | 'unhooked'> | undefined = world.leader()?.coordinator.work?.bare;
  return { ungated: bare?.ungated, none: bare?.unhooked('none') };
}

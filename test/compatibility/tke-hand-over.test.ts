import { describe, expect, test } from 'vitest';
import { Estate, MINUTE_MS, UNHARMED } from '../simulation/load-balancers/estate.ts';
import { callsOf } from './cloud-notes.ts';
import { installTke, servedByTke, TKE_FINALIZER, type TkeLegacy } from './tke-controller.ts';

const MODE = 'service.cloud.tencent.com/mode';
const ADOPT = 'clb-direct.io/adopt-listener';
const HAND_OVER = { [MODE]: 'skip', [ADOPT]: 'true' };

class Move {
  readonly estate: Estate;
  readonly legacy: TkeLegacy;
  readonly settings: unknown;

  constructor(estate: Estate, legacy: TkeLegacy) {
    this.estate = estate;
    this.legacy = legacy;
    this.settings = estate.account.settingsOf(legacy.loadBalancerId, legacy.listenerId);
  }

  /** A Service `web` of two Pods that TKE's controller serves, under load. */
  static async make(seed: number): Promise<Move> {
    const estate = await Estate.make({ seed });
    await installTke(estate);
    await estate.passes(MINUTE_MS + 5_000);
    await estate.deploy('web', { replicas: 2 });
    await estate.serve('web');
    await estate.passes(30_000);
    const uid = (await estate.serviceOf('web'))?.metadata.uid ?? '';
    const legacy = await servedByTke(estate, uid);
    await estate.passes(20_000);
    await estate.load('web', { vip: legacy.vip });
    return new Move(estate, legacy);
  }

  targets() {
    return this.estate.account.targetsOn(this.legacy.loadBalancerId, 80);
  }

  async handOver(): Promise<void> {
    await this.estate.annotate('web', HAND_OVER);
    await this.estate.until('all targets are ours', () => this.targets().every(({ podName }) => podName !== ''));
  }

  expectListenerUntouched(): void {
    const { loadBalancerId, listenerId } = this.legacy;
    expect(this.estate.account.settingsOf(loadBalancerId, listenerId)).toEqual(this.settings);
  }
}

describe("a Service that TKE's own controller has served", () => {
  test('is not touched before it is handed over', async () => {
    const { estate, legacy } = await Move.make(1);
    await estate.passes(2 * MINUTE_MS);
    expect(await estate.codesOf('web')).toEqual(['CD3001']);
    expect(estate.account.targetsOn(legacy.loadBalancerId, 80).map(({ tag }) => tag)).toEqual(['', '']);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('keeps its load balancer, listener, settings, targets and address when it is handed over, and is drained losslessly', async () => {
    const move = await Move.make(2);
    const { estate, legacy } = move;
    await move.handOver();
    await estate.passes(MINUTE_MS);
    expect(await estate.addressesOf('web')).toEqual([legacy.vip]);
    expect(callsOf(estate.world, 'CreateLoadBalancer')).toEqual([]);
    expect(callsOf(estate.world, 'BatchDeregisterTargets')).toEqual([]);
    await estate.roll('web');
    expect(move.targets()).toHaveLength(2);
    expect(await estate.codesOf('web')).toEqual(['CD3001']);
    move.expectListenerUntouched();
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test.each([100, 700, 2_000])('is handed over once though the leader dies after %i ms', async afterMs => {
    const move = await Move.make(3);
    await move.estate.annotate('web', HAND_OVER);
    await move.estate.passes(afterMs);
    move.estate.killLeader();
    await move.handOver();
    await move.estate.roll('web');
    expect(callsOf(move.estate.world, 'CreateLoadBalancer')).toEqual([]);
    move.expectListenerUntouched();
    expect(await move.estate.end()).toEqual(UNHARMED);
  });

  test("can be deleted: TKE's finalizer is taken off, and the load balancer that nobody deletes is named", async () => {
    const move = await Move.make(4);
    const { estate, legacy } = move;
    await move.handOver();
    await estate.deleteService('web');
    await estate.until('the Service is gone', async () => (await estate.serviceOf('web')) === undefined);
    expect(move.targets()).toEqual([]);
    expect(estate.account.loadBalancers().map(({ id }) => id)).toEqual([legacy.loadBalancerId]);
    const left = (await estate.eventsOf('web')).find(({ reason }) => reason === 'LoadBalancerLeft');
    expect(left?.message).toMatch(/^CD1028.*default\/web.*lb-of-tke/);
    move.expectListenerUntouched();
    await estate.world.close();
  });

  test('goes back without a moment off the load balancer when it is no longer skipped', async () => {
    const move = await Move.make(5);
    const { estate, legacy } = move;
    await move.handOver();
    await estate.roll('web');
    const bound = move.targets().map(({ address, weight }) => ({ address, weight }));
    const before = estate.world.clock.wallNow();
    await estate.annotate('web', { [MODE]: null });
    await estate.until('nothing of ours is on it', async () => {
      const { finalizers, annotations } = (await estate.serviceOf('web'))?.metadata ?? {};
      return finalizers?.join() === TKE_FINALIZER && annotations?.['clb-direct.io/load-balancers'] === undefined;
    });
    await estate.passes(MINUTE_MS);
    const writes = estate.world.apiWrites.filter(({ at, path }) => at > before && path.includes('/services/web'));
    // The user's and ours.
    expect(writes).toHaveLength(2);
    const changes = estate.world.journal.filter(record => record.kind === 'change' && record.at > before);
    expect(changes).toEqual([]);
    expect(move.targets().map(({ address, weight }) => ({ address, weight }))).toEqual(bound);
    expect(await estate.addressesOf('web')).toEqual([legacy.vip]);
    const annotations = (await estate.serviceOf('web'))?.metadata.annotations;
    expect(annotations?.['service.kubernetes.io/loadbalance-id']).toBe(legacy.loadBalancerId);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test("is given a load balancer of its own when TKE's has gone meanwhile", async () => {
    const estate = await Estate.make({ seed: 6 });
    await estate.deploy('web', { replicas: 2 });
    await estate.serve('web', { annotations: { ...HAND_OVER, 'service.kubernetes.io/loadbalance-id': 'lb-gone' } });
    await estate.untilReady('web', 2);
    await estate.passes(2 * MINUTE_MS);
    expect(callsOf(estate.world, 'CreateLoadBalancer')).toHaveLength(1);
    estate.killLeader();
    await estate.roll('web');
    expect(estate.account.loadBalancers()).toHaveLength(1);
    await estate.deleteService('web');
    await estate.until('nothing is left', () => estate.account.loadBalancers().length === 0);
    await estate.world.close();
  });

  test("tells of Pods that wait for TKE's readiness gate, which nobody opens, until they are gone", async () => {
    const estate = await Estate.make({ seed: 7 });
    await estate.open('web', 2, { annotations: HAND_OVER });
    const eni = { 'tke.cloud.tencent.com/eni-ip': '1' };
    await estate.world.create('/api/v1/namespaces/default/pods', {
      metadata: {
        name: 'web-old',
        labels: { app: 'web' },
        annotations: { 'tke.cloud.tencent.com/networks': 'tke-route-eni' },
      },
      spec: {
        containers: [{ name: 'main', image: 'nginx', resources: { requests: eni, limits: eni } }],
        readinessGates: [{ conditionType: 'cloud.tencent.com/load-balancer-backendgroup-ready' }],
      },
    });
    await estate.passes(MINUTE_MS);
    const [event, ...others] = await estate.eventsOf('web');
    expect(event).toMatchObject({ type: 'Warning', reason: 'WaitsForTke' });
    expect(event?.message).toMatch(/^CD1027.*default\/web: Pod web-old.*Delete the Pod/);
    expect(others).toEqual([]);
    const [made] = estate.account.loadBalancers();
    expect(estate.account.openOn(made?.id ?? '', 80)).toHaveLength(2);
    await estate.deletePod('web-old');
    await estate.roll('web');
    expect(await estate.end()).toEqual(UNHARMED);
  });
});

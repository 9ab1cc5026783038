import { describe, expect, test } from 'vitest';
import { ADOPT_LISTENER_ANNOTATION } from '../../../common/names.ts';
import { Estate, MINUTE_MS, UNHARMED } from './estate.ts';

const THEIRS = 'lb-theirs';
const ADOPT = { [ADOPT_LISTENER_ANNOTATION]: 'true' };
const ALLOWED = [{ TagKey: 'clb-direct-allow', TagValue: 'other, simulation/default' }];
/** Settings that nobody of ours would choose. */
const PARTICULAR = { Scheduler: 'LEAST_CONN', HealthCheck: { HealthSwitch: 1, IntervalTime: 7, HealthNum: 2 } };

/** A load balancer with a listener on port 80 that leads to Pods which no Service of ours selects, under load. */
class Legacy {
  readonly estate: Estate;
  readonly listenerId: string;
  readonly #settings: unknown;
  readonly #targets: unknown;

  constructor(estate: Estate, listenerId: string) {
    this.estate = estate;
    this.listenerId = listenerId;
    this.#settings = estate.account.settingsOf(THEIRS, listenerId);
    this.#targets = this.foreignTargets();
  }

  static async make(seed: number): Promise<Legacy> {
    const estate = await Estate.make({ seed });
    const vip = estate.account.addLoadBalancer(THEIRS);
    const listenerId = estate.account.addListener(THEIRS, { port: 80, more: PARTICULAR });
    await estate.deploy('legacy', { replicas: 2 });
    await estate.deploy('web', { replicas: 2 });
    await estate.untilReady('legacy', 2);
    estate.account.bind(
      THEIRS,
      listenerId,
      (await estate.addressesOfPods('legacy')).map((address, index) => ({ address, weight: 5 + index })),
    );
    await estate.passes(30_000);
    await estate.load('web', { vip });
    return new Legacy(estate, listenerId);
  }

  foreignTargets() {
    return this.estate.account.targetsOn(THEIRS, 80).filter(({ tag }) => tag === '');
  }

  ours() {
    return this.estate.account.targetsOn(THEIRS, 80).filter(({ podName }) => podName.startsWith('web-'));
  }

  isUntouched(): boolean {
    const { estate, listenerId } = this;
    expect(estate.account.settingsOf(THEIRS, listenerId)).toEqual(this.#settings);
    expect(this.foreignTargets()).toEqual(this.#targets);
    return true;
  }

  async untilBound(): Promise<void> {
    await this.estate.until('our Pods are bound', () => this.ours().filter(({ weight }) => weight > 0).length === 2);
    await this.estate.untilReady('web', 2);
  }
}

async function adopted(seed: number): Promise<Legacy> {
  const legacy = await Legacy.make(seed);
  legacy.estate.account.edit(THEIRS, { tags: ALLOWED });
  await legacy.estate.serve('web', { on: THEIRS, annotations: ADOPT });
  await legacy.untilBound();
  return legacy;
}

describe("somebody else's listener on a port that a Service wants", () => {
  test('is refused without the annotation, and nothing of it is touched', async () => {
    const legacy = await Legacy.make(1);
    const { estate } = legacy;
    await estate.serve('web', { on: THEIRS });
    await estate.passes(2 * MINUTE_MS);
    expect(await estate.codesOf('web')).toEqual(['CD1005']);
    expect(legacy.ours()).toEqual([]);
    expect(legacy.isUntouched()).toBe(true);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('is refused with the annotation, too, while the load balancer has no tag that allows it', async () => {
    const legacy = await Legacy.make(2);
    const { estate } = legacy;
    await estate.serve('web', { on: THEIRS, annotations: ADOPT });
    await estate.passes(2 * MINUTE_MS);
    expect(await estate.codesOf('web')).toEqual(['CD1008']);
    const [event] = await estate.eventsOf('web');
    expect(event?.message).toMatch(/clb-direct-allow of load balancer lb-theirs does not list "simulation"/);
    expect(legacy.ours()).toEqual([]);
    expect(legacy.isUntouched()).toBe(true);
    estate.account.edit(THEIRS, { tags: ALLOWED });
    await legacy.untilBound();
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('is not adopted when it speaks another protocol', async () => {
    const estate = await Estate.make({ seed: 3 });
    estate.account.addLoadBalancer(THEIRS, { tags: ALLOWED });
    const listenerId = estate.account.addListener(THEIRS, { port: 80, protocol: 'HTTP' });
    const before = estate.account.settingsOf(THEIRS, listenerId);
    await estate.deploy('web', { replicas: 2 });
    await estate.serve('web', { on: THEIRS, annotations: ADOPT });
    await estate.passes(MINUTE_MS);
    expect(await estate.codesOf('web')).toEqual(['CD1009']);
    expect(estate.account.settingsOf(THEIRS, listenerId)).toEqual(before);
    expect(await estate.end()).toEqual(UNHARMED);
  });
});

describe('an adopted listener', () => {
  test('keeps its settings and foreign targets, and has our Pods beside them', async () => {
    const legacy = await adopted(4);
    const { estate } = legacy;
    await estate.roll('web');
    expect(legacy.ours()).toHaveLength(2);
    expect(legacy.isUntouched()).toBe(true);
    expect(await estate.codesOf('web')).toEqual([]);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('has our Pods that others had bound marked as ours, without a moment off the load balancer', async () => {
    const legacy = await Legacy.make(5);
    const { estate } = legacy;
    const addresses = await estate.addressesOfPods('web');
    estate.account.bind(
      THEIRS,
      legacy.listenerId,
      addresses.map(address => ({ address })),
    );
    estate.account.edit(THEIRS, { tags: ALLOWED });
    await estate.passes(20_000);
    const at = estate.world.clock.wallNow();
    await estate.serve('web', { on: THEIRS, annotations: ADOPT });
    await legacy.untilBound();
    const changes = estate.world.journal
      .filter(record => record.kind === 'change' && record.at >= at)
      .map(record => (record.kind === 'change' ? record.action : ''));
    expect(changes).toEqual(['BatchModifyTargetTag']);
    expect(legacy.isUntouched()).toBe(true);
    await estate.roll('web');
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test.each([
    ['the Service is deleted', (estate: Estate) => estate.deleteService('web')],
    ['its annotation is taken off', (estate: Estate) => estate.annotate('web', { [ADOPT_LISTENER_ANNOTATION]: null })],
    ['the Service moves to another port', (estate: Estate) => estate.patchService('web', port(81))],
    ['the Service is no load balancer any more', (estate: Estate) => estate.patchService('web', CLUSTER_IP)],
  ])('loses our targets and nothing else when %s', async (_, leave) => {
    const legacy = await adopted(6);
    const { estate } = legacy;
    await leave(estate);
    await estate.until('ours have left', () => legacy.ours().length === 0);
    await estate.passes(2 * MINUTE_MS);
    expect(legacy.isUntouched()).toBe(true);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('goes on being served when the tag is taken off, also under the next leader', async () => {
    const legacy = await adopted(7);
    const { estate } = legacy;
    estate.account.edit(THEIRS, { tags: [] });
    await estate.passes(3 * MINUTE_MS);
    estate.killLeader();
    await estate.passes(MINUTE_MS);
    await estate.roll('web');
    expect(legacy.ours()).toHaveLength(2);
    expect(legacy.isUntouched()).toBe(true);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test.each([50, 400, 900, 1_500])('is adopted once though the leader dies after %i ms', async afterMs => {
    const legacy = await Legacy.make(8);
    const { estate } = legacy;
    estate.account.edit(THEIRS, { tags: ALLOWED });
    await estate.serve('web', { on: THEIRS, annotations: ADOPT });
    await estate.passes(afterMs);
    estate.killLeader();
    await legacy.untilBound();
    await estate.deleteService('web');
    await estate.until('the Service is gone', async () => (await estate.serviceOf('web')) === undefined);
    expect(legacy.ours()).toEqual([]);
    expect(legacy.isUntouched()).toBe(true);
    expect(await estate.end()).toEqual(UNHARMED);
  });
});

describe('with --existing-load-balancers=tagged', () => {
  async function strict(seed: number, tag: string): Promise<Estate> {
    const estate = await Estate.make({ seed, existingLoadBalancers: 'tagged' });
    estate.account.addLoadBalancer(THEIRS, { tags: [{ TagKey: 'clb-direct-allow', TagValue: tag }] });
    await estate.deploy('web', { replicas: 2 });
    await estate.serve('web', { on: THEIRS });
    return estate;
  }

  test.each(['', 'simulation/other', 'other', 'simulatio'])('a tag of "%s" does not let a Service in', async tag => {
    const estate = await strict(9, tag);
    await estate.passes(MINUTE_MS);
    expect(await estate.codesOf('web')).toEqual(['CD1008']);
    expect(estate.account.listenersOf(THEIRS)).toEqual([]);
    expect(await estate.addressesOf('web')).toEqual([]);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test.each(['simulation', 'other,simulation/default'])('a tag of "%s" lets a Service in', async tag => {
    const estate = await strict(10, tag);
    await estate.untilReady('web', 2);
    expect(estate.account.openOn(THEIRS, 80)).toHaveLength(2);
    expect(await estate.codesOf('web')).toEqual([]);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('a Service comes in when the tag does, and is served on when it goes', async () => {
    const estate = await strict(11, '');
    await estate.passes(MINUTE_MS);
    estate.account.edit(THEIRS, { tags: ALLOWED });
    await estate.until('it is bound', () => estate.account.openOn(THEIRS, 80).length === 2);
    await estate.passes(20_000);
    await estate.load('web');
    estate.account.edit(THEIRS, { tags: [] });
    await estate.passes(3 * MINUTE_MS);
    await estate.roll('web');
    expect(estate.account.openOn(THEIRS, 80)).toHaveLength(2);
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('a load balancer is made all the same for a Service that asks for one', async () => {
    const estate = await Estate.make({ seed: 12, existingLoadBalancers: 'tagged' });
    await estate.open('web', 2);
    expect(estate.account.loadBalancers()).toHaveLength(1);
    expect(await estate.end()).toEqual(UNHARMED);
  });
});

const CLUSTER_IP = { spec: { type: 'ClusterIP' } };

function port(number: number): object {
  return { spec: { ports: [{ name: 'tcp', port: number, protocol: 'TCP', targetPort: 80 }] } };
}

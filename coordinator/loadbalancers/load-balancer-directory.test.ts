import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sleep } from '../../common/clock.ts';
import { silentLogger } from '../../common/logger.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import type { LoadBalancer } from '../cloud/types.ts';
import { cloudError, FakeCloud, loadBalancer } from '../lanes/fake-cloud.ts';
import { LoadBalancerDirectory } from './load-balancer-directory.ts';
import { serviceIntent } from './service-intent.fixture.ts';
import type { ServiceIntent } from './service-intent.ts';

const CREATED = serviceIntent();
const LEAVING = serviceIntent({ leaving: true });
const INTERNAL = serviceIntent({ loadBalancer: { kind: 'created', subnetId: 'subnet-1' } });

/** Wants `id`, and may still have something on the recorded ones. */
function existing(id: string, recorded: readonly string[] = []): ServiceIntent {
  return serviceIntent({ loadBalancer: { kind: 'existing', id }, recorded });
}

let clock: VirtualClock;
let cloud: FakeCloud;
let directory: LoadBalancerDirectory;
let stop: AbortController;
let leaseHeld: boolean;
let changed: string[];

beforeEach(() => {
  clock = new VirtualClock();
  cloud = new FakeCloud(clock);
  leaseHeld = true;
  changed = [];
  begin();
});
afterEach(() => stop.abort());

/** A leader takes over, with nothing but what the cloud and the Services tell. */
function begin(): void {
  stop = new AbortController();
  directory = new LoadBalancerDirectory({
    cloud,
    clock,
    random: seededRandom(1),
    fence: { mayWrite: () => leaseHeld },
    cluster: 'c1',
    vpcId: 'vpc-1',
    log: silentLogger,
    onChange: uid => changed.push(uid),
  });
  void directory.run(stop.signal);
}

const state = () => directory.stateOf('service-uid');
const kind = () => state().kind;
const previous = () => directory.previousOf('service-uid').map(({ id, state: found }) => `${id} ${found.kind}`);

function change(fields: Partial<LoadBalancer>): void {
  cloud.balancers = cloud.balancers.map(found => ({ ...found, ...fields }));
}

/** The next read, and only that, shows no load balancer at all. */
async function missOneRead(): Promise<void> {
  const { balancers } = cloud;
  const reads = cloud.balancerReads.length;
  cloud.balancers = [];
  await clock.advanceUntil(() => cloud.balancerReads.length > reads, 180_000);
  cloud.balancers = balancers;
}

async function makeCreated(): Promise<void> {
  directory.ensure(CREATED);
  await clock.advance(10);
  change({ running: true });
  await clock.advance(2_000);
}

test('no load balancer is made for a Service that is paused, until it is no more', async () => {
  directory.ensure({ ...CREATED, isPaused: true });
  await clock.advance(60_000);
  expect(cloud.balancerWrites).toEqual([]);
  directory.ensure(CREATED);
  await clock.advance(10);
  expect(cloud.balancerWrites).toHaveLength(1);
});

describe('an existing load balancer', () => {
  test('is found by its id', async () => {
    cloud.balancers.push(loadBalancer({ id: 'lb-1' }));
    directory.ensure(existing('lb-1'));
    await clock.advance(10);
    expect(state()).toMatchObject({ kind: 'ready', loadBalancer: { id: 'lb-1' } });
    expect(changed).toEqual(['service-uid']);
    expect(cloud.balancerWrites).toEqual([]);
  });

  test('that does not exist is told of, and found within 30 s when it appears', async () => {
    directory.ensure(existing('lb-1'));
    await clock.advance(10);
    expect(state()).toMatchObject({ kind: 'failed', absent: true, problem: { code: 'CD1004' } });
    await clock.advance(300_000);
    cloud.balancers.push(loadBalancer({ id: 'lb-1' }));
    await clock.advance(30_100);
    expect(kind()).toBe('ready');
  });

  test('whose address changes is told within two minutes', async () => {
    cloud.balancers.push(loadBalancer({ id: 'lb-1' }));
    directory.ensure(existing('lb-1'));
    await clock.advance(10);
    change({ virtualAddresses: ['5.6.7.8'] });
    await clock.advance(120_000);
    expect(state()).toMatchObject({ loadBalancer: { virtualAddresses: ['5.6.7.8'] } });
    expect(changed).toHaveLength(2);
  });

  test('is not taken for gone because one read does not show it (L1)', async () => {
    cloud.balancers.push(loadBalancer({ id: 'lb-1' }));
    directory.ensure(existing('lb-1'));
    await clock.advance(10);
    await missOneRead();
    await missOneRead();
    await clock.advance(120_000);
    expect(kind()).toBe('ready');
    expect(changed).toHaveLength(1);
  });

  test('that somebody deleted is told of within two minutes', async () => {
    cloud.balancers.push(loadBalancer({ id: 'lb-1' }));
    directory.ensure(existing('lb-1'));
    await clock.advance(10);
    cloud.balancers = [];
    await clock.advance(120_000);
    expect(state()).toMatchObject({ kind: 'failed', absent: true, problem: { code: 'CD1004' } });
  });

  test('is never deleted, whatever its tags say, while the Service names it as existing (L6)', async () => {
    await makeCreated();
    directory.ensure({ ...existing('lb-made-1', ['lb-made-1']), leaving: true });
    await clock.advance(10);
    directory.remove('service-uid', 'lb-made-1');
    await clock.advance(60_000);
    expect(cloud.balancerWrites).toHaveLength(1);
    expect(previous()).toEqual(['lb-made-1 ready']);
  });
});

describe('a load balancer of its own', () => {
  test('is made once for a Service, with a token that never makes two', async () => {
    await makeCreated();
    expect(kind()).toBe('ready');
    expect(cloud.balancerWrites).toEqual(['create with token cd1-c1-service-uid']);
    expect(cloud.balancers[0]?.tags).toEqual({ 'clb-direct-service': 'service-uid', 'clb-direct-cluster': 'c1' });
  });

  test('is not made before our finalizer is on the Service, nor without the lease', async () => {
    directory.ensure(serviceIntent({ finalized: false, held: false }));
    await clock.advance(5_000);
    leaseHeld = false;
    directory.ensure(CREATED);
    await clock.advance(5_000);
    expect(cloud.balancerWrites).toEqual([]);
    leaseHeld = true;
    await clock.advance(1_000);
    expect(cloud.balancerWrites).toHaveLength(1);
  });

  test('stays when a later look fails, or CLB calls it not running (L1)', async () => {
    await makeCreated();
    cloud.balancerError = cloudError({});
    await clock.advance(200_000);
    expect(kind()).toBe('ready');
    cloud.balancerError = undefined;
    change({ running: false });
    await clock.advance(200_000);
    expect(kind()).toBe('ready');
  });

  test('is not replaced because one list does not show it (L1)', async () => {
    await makeCreated();
    await missOneRead();
    await clock.advance(120_000);
    expect(kind()).toBe('ready');
    expect(cloud.balancerWrites).toHaveLength(1);
  });

  test('that somebody deleted is replaced by another one', async () => {
    await makeCreated();
    cloud.balancers = [];
    await clock.advance(120_000);
    expect(cloud.balancerWrites.at(-1)).toBe('create with token cd1-c1-service-uid-1');
    expect(cloud.balancers.map(({ id }) => id)).toEqual(['lb-made-2']);
  });

  test('is not made because the first look failed', async () => {
    cloud.balancerError = cloudError({ code: 'CD2040' });
    directory.ensure(CREATED);
    await clock.advance(10);
    expect(state()).toMatchObject({ kind: 'failed', absent: false, problem: { code: 'CD2040' } });
    expect(cloud.balancerWrites).toEqual([]);
  });

  test('that CLB refuses to make is a problem of the Service, is tried again, and at once when the Service asks for another', async () => {
    const error = cloudError({
      class: 'terminal',
      code: 'CD2013',
      message: 'subnet-1 not found',
      hint: 'Correct the id.',
    });
    const { createLoadBalancer } = cloud;
    cloud.createLoadBalancer = async request => {
      const made = await createLoadBalancer(request, new AbortController().signal);
      return request.subnetId === 'subnet-1' ? { ok: false, error } : made;
    };
    directory.ensure(INTERNAL);
    await clock.advance(10);
    expect(state()).toMatchObject({
      kind: 'failed',
      absent: true,
      problem: { code: 'CD2013', message: 'Service default/web: subnet-1 not found. Correct the id.' },
    });
    await clock.advance(300_000);
    const tries = cloud.balancerWrites.length;
    expect(tries).toBeGreaterThan(2);
    expect(tries).toBeLessThan(40);
    directory.ensure({ ...INTERNAL, loadBalancer: { kind: 'created', subnetId: 'subnet-2' } });
    await clock.advance(10);
    expect(cloud.balancerWrites).toHaveLength(tries + 1);
  });

  test('of another kind is made when the Service turns from public to internal, and the first is told of as a previous one', async () => {
    await makeCreated();
    directory.ensure(INTERNAL);
    await clock.advance(10);
    change({ running: true });
    await clock.advance(2_000);
    expect(state()).toMatchObject({ kind: 'ready', loadBalancer: { id: 'lb-made-2', internal: true } });
    expect(previous()).toEqual(['lb-made-1 ready']);
  });
});

describe('a leader that dies right after CLB took a creation', () => {
  /** CLB does it, but the answer never comes, and reads do not show it for 10 s. */
  async function dieWhileMaking(): Promise<void> {
    cloud.hiddenMs = 10_000;
    const { createLoadBalancer } = cloud;
    cloud.createLoadBalancer = async (request, signal) => {
      await createLoadBalancer(request, signal);
      return sleep(clock, 60_000, signal).then(() => ({ ok: false, error: cloudError({ outcomeUnknown: true }) }));
    };
    directory.ensure(CREATED);
    await clock.advance(100);
    expect(cloud.balancerWrites).toHaveLength(1);
    stop.abort();
    cloud.createLoadBalancer = createLoadBalancer;
    begin();
  }

  test('leaves the next leader with exactly one load balancer', async () => {
    await dieWhileMaking();
    directory.ensure(CREATED);
    await clock.advance(11_000);
    change({ running: true });
    await clock.advance(120_000);
    expect(state()).toMatchObject({ kind: 'ready', loadBalancer: { id: 'lb-made-1' } });
    expect(cloud.balancers).toHaveLength(1);
    expect(new Set(cloud.balancerWrites)).toEqual(new Set(['create with token cd1-c1-service-uid']));
  });

  test('leaves none behind when the Service is deleted meanwhile', async () => {
    await dieWhileMaking();
    directory.ensure(LEAVING);
    await clock.advance(5_000);
    expect(kind()).toBe('pending');
    await clock.advance(60_000);
    expect(kind()).toBe('released');
    expect(previous()).toEqual(['lb-made-1 ready']);
  });

  test('whose answer was lost asks again with the same token', async () => {
    const { createLoadBalancer } = cloud;
    cloud.createLoadBalancer = async (request, signal) => {
      const made = await createLoadBalancer(request, signal);
      return cloud.balancerWrites.length > 1 ? made : { ok: false, error: cloudError({ outcomeUnknown: true }) };
    };
    cloud.hiddenMs = 5_000;
    directory.ensure(CREATED);
    await clock.advance(5_100);
    change({ running: true });
    await clock.advance(2_000);
    expect(kind()).toBe('ready');
    expect(new Set(cloud.balancerWrites)).toEqual(new Set(['create with token cd1-c1-service-uid']));
    expect(cloud.balancers).toHaveLength(1);
  });
});

describe('a Service that changes its load balancer', () => {
  test('has the one before among the previous ones, as its record says, and after a leader change too', async () => {
    cloud.balancers.push(loadBalancer({ id: 'lb-1' }), loadBalancer({ id: 'lb-2' }));
    directory.ensure(existing('lb-1', ['lb-1']));
    await clock.advance(10);
    directory.ensure(existing('lb-2', ['lb-1']));
    await clock.advance(10);
    expect(state()).toMatchObject({ kind: 'ready', loadBalancer: { id: 'lb-2' } });
    expect(previous()).toEqual(['lb-1 ready']);
    stop.abort();
    begin();
    directory.ensure(existing('lb-2', ['lb-1', 'lb-2']));
    await clock.advance(10);
    expect(previous()).toEqual(['lb-1 ready']);
  });

  test('has one that was made for it among them even without a record', async () => {
    await makeCreated();
    stop.abort();
    begin();
    cloud.balancers.push(loadBalancer({ id: 'lb-2' }));
    directory.ensure(existing('lb-2'));
    await clock.advance(10);
    expect(previous()).toEqual(['lb-made-1 ready']);
  });

  test('is told of a recorded one that does not exist any more', async () => {
    cloud.balancers.push(loadBalancer({ id: 'lb-2' }));
    directory.ensure(existing('lb-2', ['lb-1', 'lb-2']));
    await clock.advance(10);
    expect(previous()).toEqual(['lb-1 gone']);
  });

  test('back to one of its own gets another one when the first was deleted meanwhile', async () => {
    await makeCreated();
    cloud.balancers.push(loadBalancer({ id: 'lb-2' }));
    directory.ensure(existing('lb-2', ['lb-made-1']));
    directory.remove('service-uid', 'lb-made-1');
    await clock.advance(3_000);
    directory.ensure(CREATED);
    await clock.advance(10);
    change({ running: true });
    await clock.advance(2_000);
    expect(cloud.balancerWrites).toEqual([
      'create with token cd1-c1-service-uid',
      'delete lb-made-1',
      'create with token cd1-c1-service-uid-1',
    ]);
    expect(state()).toMatchObject({ kind: 'ready', loadBalancer: { id: 'lb-made-2' } });
  });

  test('back to one of its own after another leader deleted the first one ends with one, too', async () => {
    await makeCreated();
    cloud.balancers = [];
    stop.abort();
    begin();
    directory.ensure(CREATED);
    await clock.advance(60_000);
    change({ running: true });
    await clock.advance(120_000);
    expect(state()).toMatchObject({ kind: 'ready', loadBalancer: { id: 'lb-made-2' } });
    expect(cloud.balancers).toHaveLength(1);
  });
});

describe('a deletion', () => {
  beforeEach(async () => {
    await makeCreated();
    directory.ensure(LEAVING);
    await clock.advance(10);
    expect(kind()).toBe('released');
  });

  test('is done when a look shows the load balancer gone (L8)', async () => {
    cloud.deleteLoadBalancer = async () => ({ ok: true, value: undefined });
    directory.remove('service-uid', 'lb-made-1');
    await clock.advance(5_000);
    expect(previous()).toEqual(['lb-made-1 deleting']);
    cloud.balancers = [];
    await clock.advance(2_000);
    expect(previous()).toEqual(['lb-made-1 gone']);
    expect(kind()).toBe('released');
  });

  test('that was accepted and did nothing may be asked for again', async () => {
    cloud.deleteLoadBalancer = async () => ({ ok: true, value: undefined });
    directory.remove('service-uid', 'lb-made-1');
    await clock.advance(31_000);
    expect(directory.previousOf('service-uid')).toMatchObject([{ state: { kind: 'ready', mayBeDeleted: true } }]);
  });

  test.each(['CD2021', 'CD2022'])(
    'that CLB refuses with %s is told, never forced, and not asked for again for a while',
    async code => {
      cloud.balancerWrites.length = 0;
      const { deleteLoadBalancer } = cloud;
      cloud.deleteLoadBalancer = async (id, signal) => {
        await deleteLoadBalancer('none', signal);
        return { ok: false, error: cloudError({ class: 'terminal', code, message: `${id} is guarded` }) };
      };
      directory.remove('service-uid', 'lb-made-1');
      await clock.advance(10);
      expect(directory.previousOf('service-uid')).toMatchObject([
        { state: { kind: 'ready', mayBeDeleted: false, refusal: { code } } },
      ]);
      for (let second = 0; second < 600; second++) {
        directory.remove('service-uid', 'lb-made-1');
        await clock.advance(1_000);
      }
      expect(cloud.balancerWrites.length).toBeGreaterThan(3);
      expect(cloud.balancerWrites.length).toBeLessThan(10);
    },
  );

  test('waits for a lease that outlives it', async () => {
    leaseHeld = false;
    directory.remove('service-uid', 'lb-made-1');
    await clock.advance(5_000);
    expect(cloud.balancers).toHaveLength(1);
    leaseHeld = true;
    await clock.advance(2_000);
    expect(cloud.balancers).toEqual([]);
  });

  test('does not touch what another Service names', async () => {
    directory.ensure({ ...existing('lb-made-1'), service: { namespace: 'default', name: 'api', uid: 'api-uid' } });
    await clock.advance(10);
    expect(directory.previousOf('service-uid')).toMatchObject([{ isShared: true }]);
    directory.remove('service-uid', 'lb-made-1');
    await clock.advance(5_000);
    expect(cloud.balancers).toHaveLength(1);
    directory.forget('api-uid');
    await clock.advance(10);
    expect(directory.previousOf('service-uid')).toMatchObject([{ isShared: false }]);
  });
});

test('what was made for a Service that leaves is found at once by the next leader', async () => {
  await makeCreated();
  stop.abort();
  begin();
  directory.ensure(LEAVING);
  await clock.advance(10);
  expect(previous()).toEqual(['lb-made-1 ready']);
  expect(kind()).toBe('released');
});

test('no load balancer is made for a Service that is on its way out', async () => {
  directory.ensure(serviceIntent({ leaving: true }));
  await clock.advance(31_000);
  expect(kind()).toBe('released');
  expect(cloud.balancerWrites).toEqual([]);
});

test('a forgotten Service is known no more, and costs no looks', async () => {
  await makeCreated();
  directory.forget('service-uid');
  expect(kind()).toBe('pending');
  const reads = cloud.balancerReads.length;
  await clock.advance(300_000);
  expect(cloud.balancerReads).toHaveLength(reads);
});

test('a stop while it looks for a load balancer ends it without an error', async () => {
  cloud.describeLoadBalancers = async (_, signal) => {
    await sleep(clock, 100, signal);
    return { ok: true, value: [] };
  };
  const ended = new LoadBalancerDirectory({
    cloud,
    clock,
    random: seededRandom(1),
    fence: { mayWrite: () => true },
    cluster: 'c1',
    vpcId: 'vpc-1',
    log: silentLogger,
    onChange: () => undefined,
  });
  const signal = new AbortController();
  const running = ended.run(signal.signal);
  ended.ensure(existing('lb-1'));
  await clock.advance(50);
  signal.abort();
  await clock.advance(1_000);
  await expect(running).resolves.toBeUndefined();
  expect(ended.stateOf('service-uid')).toEqual({ kind: 'pending' });
});

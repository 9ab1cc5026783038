import { describe, expect, test } from 'vitest';
import type { JournalRecord } from '../../../sandbox/clb/journal.ts';
import type { Traffic } from '../traffic.ts';
import { Estate, MINUTE_MS } from './estate.ts';

const REPLICAS = 3;
/** Clients may remember the old address for so long. */
const LINGER_MS = 60_000;

/** A Service under load at its first load balancer, which is to move to others. */
class Move {
  readonly estate: Estate;
  readonly #old: Traffic;
  readonly #previous: string;

  constructor(estate: Estate, options: { old: Traffic; previous: string }) {
    this.estate = estate;
    this.#old = options.old;
    this.#previous = options.previous;
  }

  static async make(options: { seed: number; created?: boolean }): Promise<Move> {
    const estate = await Estate.make({ seed: options.seed });
    for (const id of ['lb-a', 'lb-b', 'lb-c']) estate.account.addLoadBalancer(id);
    await estate.open('web', REPLICAS, options.created ? {} : { on: 'lb-a' });
    const old = await estate.load('web');
    await estate.passes(10_000);
    return new Move(estate, { old, previous: (await estate.addressesOf('web')).join() });
  }

  /** Virtual time moves on until the Service tells another address; then, clients have it, too. */
  async untilTold(): Promise<Traffic> {
    const { estate } = this;
    await estate.until(
      'another address is told',
      async () => (await estate.addressesOf('web')).join() !== this.#previous,
    );
    expect(this.#old.tally.losses).toEqual([]);
    return estate.load('web');
  }

  async untilAllIsOn(loadBalancerId: string): Promise<void> {
    const { estate } = this;
    await estate.until(`${loadBalancerId} alone has something of the Service`, () => {
      const used = estate.account.loadBalancers().filter(({ id }) => estate.account.listenersOf(id).length > 0);
      return used.length === 1 && used[0]?.id === loadBalancerId;
    });
    const addresses = estate.account.loadBalancers().find(({ id }) => id === loadBalancerId)?.vips;
    expect(await estate.addressesOf('web')).toEqual(addresses);
  }

  /** @returns what was lost at the address that the Service tells now, and which laws were broken on the way */
  async end(moved: Traffic): Promise<unknown> {
    await this.estate.untilReady('web', REPLICAS);
    await this.estate.roll('web');
    const { breaches } = await this.estate.end();
    return { breaches, lost: [...moved.tally.lost] };
  }
}

const UNHARMED = { breaches: [], lost: [] };

/** When the target of an address could take no new connection any more, by load balancer. */
function closings(journal: readonly JournalRecord[], address: string): ReadonlyMap<string, number> {
  const closedAt = new Map<string, number>();
  for (const record of journal) {
    if (record.kind !== 'change') continue;
    for (const change of record.changes) {
      if (!('address' in change) || change.address !== address) continue;
      if (change.kind === 'target-deregistered' || change.weight === 0) closedAt.set(change.loadBalancerId, record.at);
      else closedAt.delete(change.loadBalancerId);
    }
  }
  return closedAt;
}

describe('a Service that moves to another load balancer', () => {
  test('loses nothing at the old address until a minute after the new one serves, and leaves nothing there', async () => {
    const move = await Move.make({ seed: 1 });
    const { estate } = move;
    await estate.moveTo('web', 'lb-b');
    const moved = await move.untilTold();
    await estate.passes(LINGER_MS - 5_000);
    expect(estate.account.openOn('lb-a', 80)).toHaveLength(REPLICAS);
    await move.untilAllIsOn('lb-b');
    expect(await move.end(moved)).toEqual(UNHARMED);
  });

  test.each([500, 2_000, 8_000])(
    'and %i ms later to a third one is served at the first until the third serves',
    async afterMs => {
      const move = await Move.make({ seed: 2 });
      await move.estate.moveTo('web', 'lb-b');
      await move.estate.passes(afterMs);
      await move.estate.moveTo('web', 'lb-c');
      const moved = await move.untilTold();
      await move.untilAllIsOn('lb-c');
      expect(await move.end(moved)).toEqual(UNHARMED);
    },
  );

  test('and back before the new one serves loses nothing at all', async () => {
    const move = await Move.make({ seed: 3 });
    const { estate } = move;
    await estate.moveTo('web', 'lb-b');
    await estate.passes(8_000);
    await estate.moveTo('web', 'lb-a');
    const moved = await estate.load('web');
    await move.untilAllIsOn('lb-a');
    expect(await move.end(moved)).toEqual(UNHARMED);
  });

  test('and back while clients still use the old address loses nothing at the old one', async () => {
    const move = await Move.make({ seed: 4 });
    const { estate } = move;
    await estate.moveTo('web', 'lb-b');
    await move.untilTold();
    await estate.passes(20_000);
    await estate.moveTo('web', 'lb-a');
    await estate.until('the first address is told again', async () => {
      return (await estate.addressesOf('web')).join() === estate.account.loadBalancers()[0]?.vips.join();
    });
    const moved = await estate.load('web');
    await move.untilAllIsOn('lb-a');
    expect(await move.end(moved)).toEqual(UNHARMED);
  });

  test('from one that was made for it to an existing one has the former deleted', async () => {
    const move = await Move.make({ seed: 5, created: true });
    const { estate } = move;
    await estate.moveTo('web', 'lb-b');
    const moved = await move.untilTold();
    await move.untilAllIsOn('lb-b');
    const isGone = () => estate.account.loadBalancers().every(({ id }) => ['lb-a', 'lb-b', 'lb-c'].includes(id));
    await estate.until('what was made is deleted', isGone);
    expect(await move.end(moved)).toEqual(UNHARMED);
  });

  test('from an existing one to one that is made for it, and to another one that is made, leaves one', async () => {
    const move = await Move.make({ seed: 6 });
    const { estate } = move;
    await estate.moveTo('web', null);
    await move.untilTold();
    const made = () => estate.account.loadBalancers().filter(({ id }) => !['lb-a', 'lb-b', 'lb-c'].includes(id));
    const [first] = made();
    await move.untilAllIsOn(first?.id ?? '');
    await estate.moveTo('web', 'lb-c');
    await move.untilAllIsOn('lb-c');
    await estate.until('the first that was made is gone', () => made().length === 0);
    await estate.moveTo('web', null);
    await estate.until('another is made', () => made().length === 1);
    const [second] = made();
    await move.untilAllIsOn(second?.id ?? '');
    expect(second?.id).not.toBe(first?.id);
    const moved = await estate.load('web');
    expect(await move.end(moved)).toEqual(UNHARMED);
  });

  test.each([1_500, 20_000, 40_000])('has a Pod that is deleted after %i ms drained at both', async afterMs => {
    const move = await Move.make({ seed: 7 });
    const { estate } = move;
    await estate.moveTo('web', 'lb-b');
    await estate.passes(afterMs);
    const [victim] = estate.account.targetsOn('lb-a', 80);
    const { podName = '', address = '' } = victim ?? {};
    await estate.deletePod(podName);
    const term = () => estate.world.records.find(record => record.podName === podName && record.type === 'signalled');
    await estate.until('SIGTERM is sent', () => term() !== undefined);
    const closedAt = closings(estate.world.journal, address);
    expect([...closedAt.keys()].toSorted()).toEqual(['lb-a', 'lb-b']);
    expect(Math.max(...closedAt.values())).toBeLessThanOrEqual(term()?.atMs ?? 0);
    await estate.untilReady('web', REPLICAS);
    const moved = await move.untilTold();
    await move.untilAllIsOn('lb-b');
    expect(await move.end(moved)).toEqual(UNHARMED);
  });

  test.each([100, 800, 5_000, 15_000])('comes there though the leader dies after %i ms', async afterMs => {
    const move = await Move.make({ seed: 8 });
    const { estate } = move;
    await estate.moveTo('web', 'lb-b');
    await estate.passes(afterMs);
    estate.killLeader();
    const moved = await move.untilTold();
    await move.untilAllIsOn('lb-b');
    expect(await move.end(moved)).toEqual(UNHARMED);
  });
});

describe('a Service that has moved', () => {
  test.each([0, 59_000, 62_000, 92_000])(
    'leaves nothing at the old one though the leader dies %i ms later',
    async afterMs => {
      const move = await Move.make({ seed: 11 });
      const { estate } = move;
      await estate.moveTo('web', 'lb-b');
      const moved = await move.untilTold();
      await estate.passes(afterMs);
      estate.killLeader();
      await move.untilAllIsOn('lb-b');
      expect(await move.end(moved)).toEqual(UNHARMED);
    },
  );
});

describe('a Service that cannot move', () => {
  test('since there is no such load balancer is told so and stays where it is', async () => {
    const move = await Move.make({ seed: 9 });
    const { estate } = move;
    const before = await estate.addressesOf('web');
    await estate.moveTo('web', 'lb-none');
    await estate.passes(5 * MINUTE_MS);
    expect(await estate.codesOf('web')).toEqual(['CD1004']);
    expect(await estate.addressesOf('web')).toEqual(before);
    await estate.roll('web');
    expect(await estate.end()).toEqual(UNHARMED);
  });

  test('since somebody else has its port there is told so, and stays where it is for two minutes', async () => {
    const move = await Move.make({ seed: 10 });
    const { estate } = move;
    const before = await estate.addressesOf('web');
    estate.account.addListener('lb-b', { port: 80 });
    await estate.moveTo('web', 'lb-b');
    await estate.passes(110_000);
    expect(await estate.codesOf('web')).toEqual(['CD1005']);
    expect(await estate.addressesOf('web')).toEqual(before);
    expect(estate.account.openOn('lb-a', 80)).toHaveLength(REPLICAS);
    await estate.moveTo('web', 'lb-a');
    await estate.roll('web');
    expect(await estate.end()).toEqual(UNHARMED);
  });
});

import { expect, test } from 'vitest';
import { releasedName } from '../../../coordinator/loadbalancers/released-name.ts';
import { Estate, MINUTE_MS, UNHARMED } from './estate.ts';

test('a load balancer that was released gets its name back when its Service is served again, under load', async () => {
  const estate = await Estate.make({ seed: 1 });
  await estate.open('shop', 2);
  await estate.load('shop');
  const [made] = estate.account.loadBalancers();
  const name = made?.name ?? '';
  estate.account.edit(made?.id ?? '', { name: releasedName(name) ?? '' });
  estate.killLeader();
  await estate.until('its name is as before', () => estate.account.loadBalancers()[0]?.name === name);
  await estate.roll('shop');
  await estate.passes(MINUTE_MS);
  expect(estate.account.loadBalancers().map(each => each.name)).toEqual([name]);
  expect(await estate.end()).toEqual(UNHARMED);
});

test('one that belongs to somebody else keeps whatever name it has', async () => {
  const estate = await Estate.make({ seed: 2 });
  estate.account.addLoadBalancer('lb-theirs');
  estate.account.edit('lb-theirs', { name: 'released-theirs' });
  await estate.open('shop', 1, { on: 'lb-theirs' });
  await estate.passes(MINUTE_MS);
  expect(estate.account.loadBalancers().map(({ name }) => name)).toEqual(['released-theirs']);
  expect(await estate.end()).toEqual(UNHARMED);
});

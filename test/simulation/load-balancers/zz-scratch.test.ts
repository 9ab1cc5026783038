import { test } from 'vitest';
import { Estate } from './estate.ts';

async function show(estate: Estate, name: string) {
  const s = await estate.serviceOf(name);
  const a = s?.metadata.annotations ?? {};
  return JSON.stringify([a['clb-direct.io/load-balancers'], a['clb-direct.io/adopted-listeners'], s?.status?.loadBalancer?.ingress, s?.metadata.finalizers]);
}
test('adoption', async () => {
  const estate = await Estate.make({ seed: 1 });
  estate.account.addLoadBalancer('lb-one', { tags: [{ TagKey: 'clb-direct-allow', TagValue: 'simulation/default' }] } as never);
  const id = estate.account.addListener('lb-one', { port: 80 });
  estate.account.bind('lb-one', id, [{ address: '10.9.9.9' }]);
  await estate.passes(3_000);
  await estate.deploy('web', { replicas: 3 });
  await estate.serve('web', { on: 'lb-one', annotations: { 'clb-direct.io/adopt-listener': 'true' } });
  for (let i = 0; i < 3; i++) { await estate.passes(5_000); console.log(i, await show(estate, 'web'), estate.account.targetsOn('lb-one', 80).length, await estate.codesOf('web')); }
  await estate.deleteService('web');
  for (let i = 0; i < 10; i++) { await estate.passes(5_000); console.log(i, await show(estate, 'web'), JSON.stringify(estate.account.targetsOn('lb-one', 80).map(t => [t.address, t.weight]))); }
  console.log(estate.account.listenersOf('lb-one'), id);
  console.log(await estate.end());
});
test('existing to existing', async () => {
  const estate = await Estate.make({ seed: 1 });
  estate.account.addLoadBalancer('lb-one');
  estate.account.addLoadBalancer('lb-two');
  await estate.open('web', 3, { on: 'lb-one' });
  await estate.load('web');
  await estate.passes(5_000);
  console.log(await show(estate, 'web'));
  await estate.moveTo('web', 'lb-two');
  for (let i = 0; i < 14; i++) { await estate.passes(5_000); console.log(i, await show(estate, 'web'), estate.account.targetsOn('lb-one', 80).map(t => t.weight), estate.account.targetsOn('lb-two', 80).length, estate.account.listenersOf('lb-one').length); }
  console.log(JSON.stringify(await estate.end()));
});

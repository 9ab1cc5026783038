import { describe, expect, test } from 'vitest';
import { MINUTE_MS, UNHARMED } from '../simulation/load-balancers/estate.ts';
import { INGRESSES, IngressEstate } from './ingress-estate.ts';

describe('an Ingress', () => {
  test('gets a load balancer with a rule for each host and path, bound to the Pods of its backends', async () => {
    const made = await IngressEstate.make({ seed: 1 });
    await made.backend('web');
    await made.backend('api');
    await made.write('front', {
      rules: [
        ['a.com', '/'],
        ['a.com', '/api', 'api'],
        ['*.b.com', '/exact', 'api', 'Exact'],
      ],
    });
    await made.untilRoutes(['HTTP:80 a.com/ -> web', 'HTTP:80 a.com/api -> api', 'HTTP:80 *.b.com=/exact -> api']);
    await made.estate.untilReady('web', 2);
    await made.estate.untilReady('api', 2);
    const ingress = await made.ingressOf('front');
    const [{ id, vips } = { id: '', vips: [] }] = made.estate.account.loadBalancers();
    expect(ingress?.status?.loadBalancer?.ingress).toEqual(vips.map(ip => ({ ip })));
    expect(ingress?.metadata.annotations?.['kubernetes.io/ingress.qcloud-loadbalance-id']).toBe(id);
    expect(await made.codesOf('front')).toEqual([]);
    expect(await made.estate.end()).toEqual(UNHARMED);
  });

  test('of another class, or of none, is not touched', async () => {
    const made = await IngressEstate.make({ seed: 2 });
    await made.backend('web');
    await made.write('foreign', { className: 'nginx', rules: [['a.com', '/']] });
    await made.write('none', { className: null, rules: [['a.com', '/']] });
    await made.write('indirect', { className: 'qcloud', rules: [['a.com', '/']] });
    await made.estate.passes(MINUTE_MS);
    expect(made.estate.account.loadBalancers()).toEqual([]);
    for (const name of ['foreign', 'none', 'indirect']) {
      expect((await made.ingressOf(name))?.metadata.finalizers ?? []).toEqual([]);
      expect(await made.codesOf(name)).toEqual([]);
    }
    expect(await made.estate.end()).toEqual(UNHARMED);
  });

  test('takes everything along when it is deleted, and its Pods stay Ready', async () => {
    const made = await IngressEstate.make({ seed: 3 });
    await made.backend('web');
    await made.write('front', { rules: [['a.com', '/']] });
    await made.estate.untilReady('web', 2);
    await made.estate.world.request('DELETE', `${INGRESSES}/front`);
    await made.estate.until('the Ingress is gone', async () => (await made.ingressOf('front')) === undefined);
    expect(made.estate.account.loadBalancers()).toEqual([]);
    await made.estate.untilReady('web', 2);
    expect(await made.estate.end()).toEqual(UNHARMED);
  });
});

import { describe, expect, test } from 'vitest';
import { MINUTE_MS, UNHARMED } from '../simulation/load-balancers/estate.ts';
import { MERGE_PATCH } from '../simulation/manifests.ts';
import { IngressEstate, type WrittenIngress, type WrittenRule } from './ingress-estate.ts';

const TKE = 'ingress.cloud.tencent.com';
const KUBERNETES = 'kubernetes.io/ingress';
const ROOT: readonly WrittenRule[] = [['a.com', '/']];
const SECURE = [{ secretName: 'certificate' }];

/** Backend `web`, Secret `certificate`, and an Ingress `front`. */
async function written(seed: number, ingress: WrittenIngress): Promise<IngressEstate> {
  const made = await IngressEstate.make({ seed });
  await made.backend('web');
  await made.secret('certificate', 'cert-a');
  await made.write('front', ingress);
  return made;
}

async function isWell(made: IngressEstate): Promise<void> {
  await made.estate.untilReady('web', 2);
  expect(await made.codesOf('front')).toEqual([]);
  expect(await made.estate.end()).toEqual(UNHARMED);
}

/** As the older Ingress API spelled a backend. */
function named(host: string, path: string): object {
  return { host, path, backend: { serviceName: 'web', servicePort: '80' } };
}

describe('an Ingress of TKE’s class', () => {
  const QCLOUD = { className: 'qcloud', rules: ROOT };

  test('is served with direct access', async () => {
    const made = await written(1, { ...QCLOUD, annotations: { [`${TKE}/direct-access`]: 'true' } });
    await made.untilRoutes(['HTTP:80 a.com/ -> web']);
    await isWell(made);
  });

  test('has its class by annotation, too', async () => {
    const annotations = { [`${KUBERNETES}.class`]: 'qcloud', [`${TKE}/direct-access`]: 'true' };
    const made = await written(2, { className: null, rules: ROOT, annotations });
    await made.untilRoutes(['HTTP:80 a.com/ -> web']);
    await isWell(made);
  });

  test('is left to TKE’s controller where that runs, until the mode is skip', async () => {
    const made = await IngressEstate.make({ seed: 3 });
    const metadata = { name: 'tke-ingress-controller-config', namespace: 'kube-system' };
    await made.estate.world.create('/api/v1/namespaces/kube-system/configmaps', { metadata });
    await made.estate.passes(2 * MINUTE_MS);
    await made.backend('web');
    await made.write('front', { ...QCLOUD, annotations: { [`${TKE}/direct-access`]: 'true' } });
    await made.estate.passes(MINUTE_MS);
    expect(made.estate.account.loadBalancers()).toEqual([]);
    expect(await made.codesOf('front')).toEqual(['CD3001']);
    await made.patch('front', { metadata: { annotations: { [`${TKE}/mode`]: 'skip' } } });
    await made.untilRoutes(['HTTP:80 a.com/ -> web']);
    expect(await made.estate.end()).toEqual(UNHARMED);
  });
});

describe('the rules of an Ingress', () => {
  test('are for HTTPS when it names a certificate', async () => {
    const made = await written(10, { rules: ROOT, tls: SECURE });
    await made.untilRoutes(['HTTPS:443 a.com/ -> web']);
    expect(made.rules()[0]?.certificate).toBe('cert-a');
    await isWell(made);
  });

  test('without a host, and a default backend, take the requests that no other host has', async () => {
    const made = await written(11, {
      rules: [
        ['', '/any'],
        ['a.com', '/'],
      ],
      defaultBackend: 'web',
    });
    const vip = await made.untilAddress();
    await made.untilRoutes([`HTTP:80 ${vip}/any -> web`, `HTTP:80 ${vip}/ -> web`, 'HTTP:80 a.com/ -> web']);
    await made.estate.until('the address is the default domain', () =>
      made.rules().every(({ domain, isDefault }) => isDefault === (domain === vip)),
    );
    await isWell(made);
  });

  test('stand on every port of listen-ports', async () => {
    const annotations = { [`${TKE}/listen-ports`]: '[{"HTTP":8080},{"HTTP":80},{"HTTPS":8443}]' };
    const made = await written(12, { rules: ROOT, tls: SECURE, annotations });
    await made.untilRoutes(['HTTP:80 a.com/ -> web', 'HTTP:8080 a.com/ -> web', 'HTTPS:8443 a.com/ -> web']);
    await isWell(made);
  });

  test('are split by rule-mix, http-rules and https-rules, and what neither names is for HTTPS', async () => {
    const annotations = {
      [`${KUBERNETES}.rule-mix`]: 'true',
      [`${KUBERNETES}.http-rules`]: JSON.stringify([named('a.com', '/plain'), named('a.com', '/both')]),
      [`${KUBERNETES}.https-rules`]: JSON.stringify([named('a.com', '/both')]),
    };
    const rules: WrittenRule[] = [
      ['a.com', '/plain'],
      ['a.com', '/both'],
      ['a.com', '/else'],
    ];
    const made = await written(13, { rules, tls: SECURE, annotations });
    await made.untilRoutes([
      'HTTP:80 a.com/plain -> web',
      'HTTP:80 a.com/both -> web',
      'HTTPS:443 a.com/both -> web',
      'HTTPS:443 a.com/else -> web',
    ]);
    await isWell(made);
  });

  test('give a Pod the weight that it has for Ingresses, and none for Services', async () => {
    const made = await written(26, { rules: ROOT });
    await made.untilRoutes(['HTTP:80 a.com/ -> web']);
    const [pod] = await made.estate.gatesOf('web');
    const annotations = { [`${TKE}/custom-weight`]: '3', 'service.cloud.tencent.com/custom-weight': '7' };
    const path = `/api/v1/namespaces/default/pods/${pod?.podName}`;
    await made.estate.world.request('PATCH', path, { metadata: { annotations } }, MERGE_PATCH);
    await made.estate.until('it has its weight', () => made.rules()[0]?.weights.join() === '3,10');
    await isWell(made);
  });

  test('are all for both with rule-mix-both', async () => {
    const made = await written(14, {
      rules: ROOT,
      tls: SECURE,
      annotations: { [`${KUBERNETES}.rule-mix-both`]: 'true' },
    });
    await made.untilRoutes(['HTTP:80 a.com/ -> web', 'HTTPS:443 a.com/ -> web']);
    await isWell(made);
  });

  test('are redirected from HTTP to HTTPS by auto-rewrite, with the code of auto-rewrite-code', async () => {
    const annotations = { [`${TKE}/auto-rewrite`]: 'true', [`${TKE}/auto-rewrite-code`]: '302' };
    const made = await written(15, { rules: ROOT, tls: SECURE, annotations });
    await made.untilRoutes(['HTTP:80 a.com/ -> ', 'HTTPS:443 a.com/ -> web']);
    await made.estate.until('it is redirected', () => made.rules().some(({ rewritesTo }) => rewritesTo !== ''));
    await isWell(made);
  });

  test('follow their backend: another selector brings other Pods, before the old ones go', async () => {
    const made = await written(16, { rules: ROOT });
    await made.estate.untilReady('web', 2);
    await made.estate.deploy('other', { replicas: 2 });
    await made.estate.patchService('web', { spec: { selector: { app: 'other' } } });
    await made.untilRoutes(['HTTP:80 a.com/ -> other']);
    await made.estate.untilReady('other', 2);
    expect(await made.estate.end()).toEqual(UNHARMED);
  });

  test('of which one goes leave the others where they are', async () => {
    const made = await written(17, {
      rules: [
        ['a.com', '/'],
        ['a.com', '/old'],
      ],
    });
    await made.untilRoutes(['HTTP:80 a.com/ -> web', 'HTTP:80 a.com/old -> web']);
    await made.estate.untilReady('web', 2);
    const rule = {
      host: 'a.com',
      http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }] },
    };
    await made.patch('front', { spec: { rules: [rule] } });
    await made.untilRoutes(['HTTP:80 a.com/ -> web']);
    await isWell(made);
  });
});

describe('what is wrong in an Ingress harms nothing else of it', () => {
  test.each<[string, string, Readonly<Record<string, string>>]>([
    ['listen-ports that are no list', 'CD1001', { [`${TKE}/listen-ports`]: '{"HTTP":80}' }],
    [
      'http-rules that it does not have',
      'CD1001',
      { [`${KUBERNETES}.rule-mix`]: 'true', [`${KUBERNETES}.http-rules`]: '[{"host":"x"}]' },
    ],
    ['auto-rewrite without a certificate', 'CD1001', { [`${TKE}/auto-rewrite`]: 'true' }],
    ['rewrite-support', 'CD1045', { [`${TKE}/rewrite-support`]: 'true' }],
    ['enable-group', 'CD1045', { [`${TKE}/enable-group`]: 'true' }],
    ['mix-target-prefer', 'CD1045', { [`${TKE}/mix-target-prefer`]: 'ipv4' }],
    ['modification-protection', 'CD1045', { [`${TKE}/modification-protection`]: 'true' }],
    ['lb-rs-weight', 'CD1045', { [`${TKE}/lb-rs-weight`]: '{}' }],
  ])('%s is told', async (_, code, annotations) => {
    const made = await written(30, { rules: ROOT, annotations });
    await made.untilRoutes(['HTTP:80 a.com/ -> web']);
    await made.estate.untilReady('web', 2);
    expect(await made.codesOf('front')).toEqual([code]);
    expect(await made.estate.end()).toEqual(UNHARMED);
  });

  test('what the drain does anyway is passed over', async () => {
    const names = ['enable-grace-shutdown', 'enable-grace-shutdown-tkex', 'enable-grace-deletion'];
    const annotations = Object.fromEntries(names.map(name => [`${TKE}/${name}`, 'true']));
    const made = await written(31, { rules: ROOT, annotations });
    await made.untilRoutes(['HTTP:80 a.com/ -> web']);
    await isWell(made);
  });

  test('a backend that does not exist is told, has a rule without Pods, and is served once it is there', async () => {
    const made = await written(40, {
      rules: [
        ['a.com', '/'],
        ['a.com', '/late', 'late'],
      ],
    });
    await made.untilRoutes(['HTTP:80 a.com/ -> web', 'HTTP:80 a.com/late -> ']);
    await made.estate.untilReady('web', 2);
    expect(await made.codesOf('front')).toEqual(['CD1040']);
    await made.backend('late');
    await made.untilRoutes(['HTTP:80 a.com/ -> web', 'HTTP:80 a.com/late -> late']);
    await made.estate.untilReady('late', 2);
    expect(await made.estate.end()).toEqual(UNHARMED);
  });

  test('a path that CLB does not know is told, and a host and path that stand twice', async () => {
    const rules: WrittenRule[] = [
      ['a.com', '/'],
      ['a.com', '/', 'web', 'ImplementationSpecific'],
      ['a.com', `/${'x'.repeat(200)}`],
    ];
    const made = await written(41, { rules });
    await made.untilRoutes(['HTTP:80 a.com/ -> web']);
    await made.estate.untilReady('web', 2);
    expect(await made.codesOf('front')).toEqual(['CD1042', 'CD1043']);
    expect(await made.estate.end()).toEqual(UNHARMED);
  });
});

import { expect, test } from 'vitest';
import { finish, never, SUCCEEDED, setUp } from './clb-cloud.fixture.ts';
import type { ListenerRequest } from './types.ts';

const PLACE = { LoadBalancerId: 'lb-1', ListenerId: 'lbl-1' };

test('a listener, a rule and a domain are each changed by a call of its own, with what the settings name', async () => {
  const { clock, cloud, transport } = setUp(() => SUCCEEDED);
  const healthCheck = { intervalSeconds: 10, httpPath: '/up', sourceIpType: 1 } as const;
  const certificate = { certificateIds: ['cert-1'], authorityId: 'ca-1' };
  const at = { listenerId: 'lbl-1' };
  for (const change of [
    { ...at, kind: 'listener', settings: { scheduler: 'LEAST_CONN', keepalive: true } },
    { ...at, kind: 'rule', locationId: 'loc-1', settings: { healthCheck, sessionSeconds: 0 } },
    { ...at, kind: 'domain', domain: 'a.example', settings: { certificate, isDefaultDomain: true } },
  ] as const) {
    expect(await finish(clock, cloud.changeSettings('lb-1', change, never))).toMatchObject({ ok: true });
  }
  expect(transport.parametersOf('ModifyListener')).toEqual([{ ...PLACE, Scheduler: 'LEAST_CONN', KeepaliveEnable: 1 }]);
  expect(transport.parametersOf('ModifyRule')).toEqual([
    {
      ...PLACE,
      LocationId: 'loc-1',
      SessionExpireTime: 0,
      HealthCheck: { HealthSwitch: 1, IntervalTime: 10, HttpCheckPath: '/up', SourceIpType: 1 },
    },
  ]);
  expect(transport.parametersOf('ModifyDomainAttributes')).toEqual([
    {
      ...PLACE,
      Domain: 'a.example',
      Certificate: { SSLMode: 'MUTUAL', CertId: 'cert-1', CertCaId: 'ca-1' },
      DefaultServer: true,
    },
  ]);
});

test('HTTPS is made with SNI unless it has a certificate of its own; several certificates go as a list', async () => {
  const { clock, cloud, transport } = setUp(({ action }) =>
    action === 'CreateListener' ? { ListenerIds: ['lbl-1'] } : SUCCEEDED,
  );
  const request: ListenerRequest = { name: 'web', protocol: 'HTTPS', ports: [443] };
  const settings = { certificate: { certificateIds: ['rsa', 'ecc'] } };
  await finish(clock, cloud.createListeners('lb-1', request, never));
  await finish(clock, cloud.createListeners('lb-1', { ...request, settings }, never));
  const [sni, own] = transport.parametersOf('CreateListener');
  expect(sni).toMatchObject({ SniSwitch: 1 });
  expect(own).toMatchObject({
    MultiCertInfo: { SSLMode: 'UNIDIRECTIONAL', CertList: [{ CertId: 'rsa' }, { CertId: 'ecc' }] },
  });
  expect(own).not.toHaveProperty('SniSwitch');
});

test('redirects are set and removed many at once', async () => {
  const { clock, cloud, transport } = setUp(() => SUCCEEDED);
  const pair = { sourceLocationId: 'loc-1', targetLocationId: 'loc-2', domain: 'a.example', code: 301 };
  const redirects = { sourceListenerId: 'lbl-1', targetListenerId: 'lbl-2', pairs: [pair] };
  await finish(clock, cloud.redirect('lb-1', redirects, never));
  await finish(clock, cloud.removeRedirects('lb-1', redirects, never));
  const [set] = transport.parametersOf('ManualRewrite');
  expect(set).toEqual({
    LoadBalancerId: 'lb-1',
    SourceListenerId: 'lbl-1',
    TargetListenerId: 'lbl-2',
    RewriteInfos: [
      {
        SourceLocationId: 'loc-1',
        TargetLocationId: 'loc-2',
        RewriteCode: 301,
        TakeUrl: true,
        SourceDomain: 'a.example',
      },
    ],
  });
  expect(transport.parametersOf('DeleteRewrite')).toEqual([set]);
});

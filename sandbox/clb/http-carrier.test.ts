import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { clb } from 'tencentcloud-sdk-nodejs/tencentcloud/services/clb/index.js';
import { afterEach, describe, expect, it } from 'vitest';
import { type Clock, systemClock } from '../../common/clock.ts';
import { seededRandom } from '../../common/random.ts';
import { controlServer } from './control.ts';
import type { Fault } from './faults.ts';
import { httpCarrier } from './http-carrier.ts';
import { ClbServer } from './server.ts';
import { defaultSettings, vipsOfPrefix } from './settings.ts';

const CREDENTIALS = { secretId: 'id-1', secretKey: 'key-1' };
const cleanUps: (() => void)[] = [];

afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

/** Loopback servers whose writes take no time. */
async function started(clock: Clock = systemClock()) {
  const random = seededRandom(1);
  const defaults = defaultSettings(vipsOfPrefix('127.100.0'));
  const latency = Object.fromEntries(Object.keys(defaults.latency).map(name => [name, 0]));
  const settings = { ...defaults, latency: { ...defaults.latency, ...latency } };
  const server = new ClbServer({ clock, random, settings, probe: async () => true });
  const api = httpCarrier({ server, clock, random, credentials: [CREDENTIALS], region: 'ap-guangzhou' });
  const control = controlServer(server);
  for (const http of [api, control]) {
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    cleanUps.push(() => http.close());
    cleanUps.push(() => http.closeAllConnections());
  }
  cleanUps.push(() => server.stop());
  const controlUrl = `http://127.0.0.1:${(control.address() as AddressInfo).port}/_control`;
  return { server, api: (api.address() as AddressInfo).port, controlUrl };
}

function client(
  port: number,
  options: {
    readonly credential?: object;
    readonly region?: string;
    readonly host?: string;
    readonly reqTimeout?: number;
  } = {},
) {
  return new clb.v20180317.Client({
    credential: { ...CREDENTIALS, ...options.credential },
    region: options.region ?? 'ap-guangzhou',
    profile: {
      httpProfile: {
        endpoint: `${options.host ?? '127.0.0.1'}:${port}`,
        protocol: 'http://',
        ...(options.reqTimeout === undefined ? {} : { reqTimeout: options.reqTimeout }),
      },
    },
  });
}

/** What the server sends for one call of the SDK until it closes the connection. */
async function rawAnswer(api: number): Promise<string> {
  const relay = createServer().listen(0, '127.0.0.1');
  await once(relay, 'listening');
  cleanUps.push(() => relay.close());
  const asked = client((relay.address() as AddressInfo).port, { reqTimeout: 1 }).DescribeQuota(null);
  asked.catch(() => undefined);
  const [front] = (await once(relay, 'connection')) as [Socket];
  const back = connect(api, '127.0.0.1');
  front.pipe(back);
  const chunks: Buffer[] = [];
  back.on('data', chunk => chunks.push(chunk));
  await once(back, 'close');
  front.destroy();
  return Buffer.concat(chunks).toString();
}

describe('the official SDK', () => {
  it('creates a listener, binds a target and reads both back', async () => {
    const { server, api } = await started();
    const sdk = client(api);
    const { id } = server.seed({ name: 'existing' });
    const { ListenerIds } = await sdk.CreateListener({ LoadBalancerId: id, Ports: [80], Protocol: 'TCP' });
    const [listenerId = ''] = ListenerIds ?? [];
    await expect.poll(async () => (await sdk.DescribeListeners({ LoadBalancerId: id })).TotalCount).toBe(1);
    const bound = await sdk.BatchRegisterTargets({
      LoadBalancerId: id,
      Targets: [{ ListenerId: listenerId, EniIp: '10.0.0.1', Port: 80, Weight: 0, Tag: 'ours' }],
    });
    expect(bound.FailListenerIdSet).toEqual([]);
    const { Listeners } = await sdk.DescribeTargets({ LoadBalancerId: id });
    expect(Listeners?.[0]?.Targets?.[0]).toMatchObject({ PrivateIpAddresses: ['10.0.0.1'], Weight: 0, Tag: 'ours' });
  });

  it('gets errors as its own exception, with code and request id', async () => {
    const { api } = await started();
    await expect(client(api).DescribeTargets({ LoadBalancerId: 'lb-gone' })).rejects.toMatchObject({
      code: 'InvalidParameter.LBIdNotFound',
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
  });

  it.each([
    ['a wrong key', { credential: { secretKey: 'other' } }, 'AuthFailure.SignatureFailure'],
    ['an unknown id', { credential: { secretId: 'other' } }, 'AuthFailure.SecretIdNotFound'],
    ['another region', { region: 'ap-nowhere' }, 'UnsupportedRegion'],
  ])('is refused with %s', async (_, options, code) => {
    const { api } = await started();
    await expect(client(api, options).DescribeQuota(null)).rejects.toMatchObject({ code });
  });

  it('signs so that it is understood under a name with a port, too', async () => {
    const { api } = await started();
    expect((await client(api, { host: 'localhost' }).DescribeQuota(null)).QuotaSet).toHaveLength(8);
  });

  it('is refused when its clock is more than five minutes off', async () => {
    const real = systemClock();
    const { api } = await started({ ...real, wallNow: () => real.wallNow() + 301_000 });
    await expect(client(api).DescribeQuota(null)).rejects.toMatchObject({ code: 'AuthFailure.SignatureExpire' });
  });

  it('sees a broken connection when the reply is lost, and the write is done', async () => {
    const { server, api, controlUrl } = await started();
    const { id } = server.seed({});
    const fault = { action: 'DeleteLoadBalancer', kind: 'lose-reply', count: 1 };
    await fetch(`${controlUrl}/faults`, { method: 'POST', body: JSON.stringify(fault) });
    const lost = client(api).DeleteLoadBalancer({ LoadBalancerIds: [id] });
    await expect(lost).rejects.toMatchObject({ message: expect.stringContaining('socket hang up') });
    await expect.poll(async () => (await client(api).DescribeLoadBalancers({})).TotalCount).toBe(0);
  });
});

describe('the SDK, when the answer cannot be read,', () => {
  it.each([
    [{ kind: 'html-reply', status: 502 }, 'Bad Gateway'],
    [{ kind: 'html-reply', status: 200 }, 'invalid json'],
    // It does not look for the end of the body, so only its own deadline ends these two.
    [{ kind: 'break-reply' }, 'timeout'],
    [{ kind: 'drip-reply' }, 'timeout'],
  ])('fails by %o with a text like %s', async (fault, message) => {
    const { server, api } = await started();
    const { id } = server.seed({});
    server.faults.add({ action: 'DescribeListeners', ...fault } as Fault);
    const failed = client(api, { reqTimeout: 1 }).DescribeListeners({ LoadBalancerId: id });
    await expect(failed).rejects.toMatchObject({ message: expect.stringContaining(message) });
  });
});

it('a reply that breaks off has its headers and half of its body', async () => {
  const { server, api } = await started();
  server.faults.add({ action: 'DescribeQuota', kind: 'break-reply' });
  const text = await rawAnswer(api);
  expect(text).toContain('{"Response":{"QuotaSet":[');
  expect(text).not.toContain('RequestId');
});

describe('a request without the SDK', () => {
  it.each([
    ['no signature', { method: 'POST', body: '{}' }, 'AuthFailure.InvalidAuthorization'],
    ['GET', {}, 'UnsupportedProtocol'],
  ])('is refused with %s, in the same envelope', async (_, request, code) => {
    const { api } = await started();
    const response = await fetch(`http://127.0.0.1:${api}/`, request);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({ Response: { Error: { Code: code } } });
  });
});

describe('the control endpoint', () => {
  it('shows the journal as lines of JSON, from a sequence on', async () => {
    const { server, controlUrl } = await started();
    server.seed({ id: 'lb-first' });
    server.seed({ id: 'lb-second' });
    const lines = async (query: string) => {
      const text = await (await fetch(`${controlUrl}/journal${query}`)).text();
      return text.split('\n').filter(line => line.includes('load-balancer-created'));
    };
    expect(await lines('')).toHaveLength(2);
    expect((await lines('?after=1')).join()).toContain('lb-second');
  });

  it('changes settings and takes them back', async () => {
    const { server, controlUrl } = await started();
    const body = JSON.stringify({ latency: { readMs: 123 }, forwarding: { delayMaxMs: 0 } });
    await fetch(`${controlUrl}/settings`, { method: 'POST', body });
    expect(server.settings()).toMatchObject({ latency: { readMs: 123, acceptMs: 0 }, forwarding: { delayMaxMs: 0 } });
    await fetch(`${controlUrl}/reset`, { method: 'POST' });
    expect(server.settings().latency.readMs).toBe(0);
  });

  it.each([
    { action: '*', kind: 'error', code: 'InternalError', message: 'oops', count: 2, probability: 0.5 },
    { action: 'DescribeTargets', kind: 'stale-read', staleMs: 500 },
    { action: 'BatchRegisterTargets', kind: 'fail-listeners', share: 0.3 },
    { action: 'BatchRegisterTargets', kind: 'fail-listeners', listenerIds: ['lbl-1'] },
    { action: 'BatchRegisterTargets', kind: 'drop-targets', share: 0.1 },
    { action: '*', kind: 'html-reply', status: 502 },
    { action: '*', kind: 'drip-reply', count: 1 },
    { action: '*', kind: 'break-reply' },
    { action: 'DescribeTargets', kind: 'spend-rate', perSecond: 10 },
  ])('arms %o', async fault => {
    const { server, controlUrl } = await started();
    await fetch(`${controlUrl}/faults`, { method: 'POST', body: JSON.stringify(fault) });
    expect(server.faults.list()).toEqual([fault]);
  });

  it('lets others work on the account', async () => {
    const { server, controlUrl } = await started();
    const send = async (method: string, path: string, body: object) => {
      const response = await fetch(`${controlUrl}/${path}`, { method, body: JSON.stringify(body) });
      return (await response.json()) as Record<string, unknown>;
    };
    const { id } = await send('POST', 'load-balancers', { address: 'domain' });
    const tags = [{ TagKey: 'clb-direct-allow', TagValue: 'c1' }];
    await send('PATCH', 'load-balancers', { id, tags, targetQuota: 5 });
    const parameters = { LoadBalancerId: id, Protocol: 'TCP', Ports: [80] };
    const made = await send('POST', 'calls', { action: 'CreateListener', parameters, atOnce: true });
    const Targets = [{ ListenerId: (made.ListenerIds as string[])[0], EniIp: '10.0.0.1', Port: 80 }];
    const registration = { action: 'BatchRegisterTargets', parameters: { LoadBalancerId: id, Targets } };
    expect(await send('POST', 'calls', registration)).toMatchObject({ FailListenerIdSet: [] });
    expect(await send('POST', 'releases', { names: ['10.0.0.1'] })).toEqual(['10.0.0.1']);
    expect(await send('POST', 'calls', registration)).toMatchObject({ code: 'InvalidParameterValue' });
    expect(await send('DELETE', 'refusals', { names: ['10.0.0.1'] })).toEqual([]);
    const calls = server.journal.records().filter(record => record.kind === 'call');
    expect(calls.every(({ foreign }) => foreign)).toBe(true);
    expect(await server.call('DescribeLoadBalancers', {})).toMatchObject({ LoadBalancerSet: [{ Tags: tags }] });
  });

  it.each([
    ['an unknown knob', 'settings', { latency: { speed: 1 } }],
    ['a fault without its code', 'faults', { action: '*', kind: 'error' }],
    ['a fault that is none', 'faults', { action: '*', kind: 'earthquake' }],
    ['a fault with the field of another', 'faults', { action: '*', kind: 'drop-targets', delayMs: 5 }],
    ['two instances with one address', 'settings', { instances: { 'ins-1': '10.0.0.1', 'ins-2': '10.0.0.1' } }],
    ['a refusal of nothing', 'refusals', { names: [] }],
  ])('refuses %s', async (_, path, body) => {
    const { controlUrl } = await started();
    const response = await fetch(`${controlUrl}/${path}`, { method: 'POST', body: JSON.stringify(body) });
    expect(response.status).toBe(400);
  });
});

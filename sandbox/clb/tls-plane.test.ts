import { once } from 'node:events';
import { createServer as createHttpServer, get } from 'node:http';
import { get as getSecurely } from 'node:https';
import { createServer, type Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { DataPlane } from './data-plane.ts';
import { freePort, listenAt } from './ports.fixture.ts';
import { fixture } from './server-fixture.ts';

const SHOP = { Domain: 'shop.example.com', Url: '/' };
const BLOG = { Domain: 'blog.example.com', Url: '/' };
/** For the forwarders and the health checks. */
const SETTLED_WITHIN_MS = 60_000;
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function portOf(server: Server, host: string): Promise<number> {
  cleanUps.push(() => server.close());
  return await listenAt(server, host);
}

/** The API and the data plane over sockets; time moves only when a test moves it. */
async function started(ports: readonly number[]) {
  const clb = fixture();
  const mapped = new Map<number, number>();
  for (const port of ports) mapped.set(port, await freePort('127.0.0.1'));
  const errors: string[] = [];
  const { clock, server } = clb;
  const onError = (message: string) => errors.push(message);
  const plane = new DataPlane({ clock, forwarding: server.forwarding, portMapping: mapped, onError });
  cleanUps.push(() => plane.stop());
  const { id: LoadBalancerId, vip } = server.seed({});
  const done = async (action: string, given: object) => {
    const answer = await clb.call(action, { LoadBalancerId, ...given });
    if (!action.startsWith('Batch')) await clb.finished(answer);
    await clock.advance(SETTLED_WITHIN_MS);
    await plane.settled();
    return answer;
  };
  const listener = async (given: object) => {
    const { ListenerIds } = await done('CreateListener', given);
    return (ListenerIds as string[])[0] ?? '';
  };
  const rules = async (ListenerId: string, Rules: readonly object[]) =>
    (await done('CreateRule', { ListenerId, Rules })).LocationIds as string[];
  return { done, listener, rules, vip, portOf: (port: number) => mapped.get(port) ?? 0, errors };
}

function shown(port: number, host: string, servername: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({ host, port, servername, rejectUnauthorized: false }, () => {
      const peer: PeerCertificate = socket.getPeerCertificate();
      socket.destroy();
      resolve(String(peer.subject.CN));
    });
    socket.on('error', reject);
  });
}

function certificate(CertId: string) {
  return { Certificate: { SSLMode: 'UNIDIRECTIONAL', CertId } };
}

describe('a listener with SNI', () => {
  it('shows each name its certificate, those it does not know the default one, and a new one at once', async () => {
    const clb = await started([443]);
    const ListenerId = await clb.listener({ Ports: [443], Protocol: 'HTTPS', SniSwitch: 1 });
    await clb.rules(ListenerId, [
      { ...SHOP, ...certificate('cert-shop') },
      { ...BLOG, ...certificate('cert-blog') },
    ]);
    const at = (name: string) => shown(clb.portOf(443), clb.vip, name);
    expect(await at(SHOP.Domain)).toBe('cert-shop');
    expect(await at(BLOG.Domain)).toBe('cert-blog');
    expect(await at('other.example.com')).toBe('cert-shop');
    expect(await at('')).toBe('cert-shop');
    await clb.done('ModifyDomainAttributes', { ListenerId, Domain: BLOG.Domain, ...certificate('cert-new') });
    expect(await at(BLOG.Domain)).toBe('cert-new');
    expect(clb.errors).toEqual([]);
  });

  it('takes no connection while it has no domain', async () => {
    const clb = await started([443]);
    await clb.listener({ Ports: [443], Protocol: 'HTTPS', SniSwitch: 1 });
    await expect(shown(clb.portOf(443), clb.vip, SHOP.Domain)).rejects.toThrow();
  });
});

describe('a redirect', () => {
  it('sends clients to HTTPS with the same path, until the rule there goes', async () => {
    const clb = await started([80, 8443]);
    const http = await clb.listener({ Ports: [80], Protocol: 'HTTP' });
    const https = await clb.listener({ Ports: [8443], Protocol: 'HTTPS', SniSwitch: 1 });
    const [source] = await clb.rules(http, [SHOP]);
    const [target] = await clb.rules(https, [{ ...SHOP, ...certificate('cert-shop') }]);
    const place = { SourceLocationId: source, TargetLocationId: target, SourceDomain: SHOP.Domain };
    const RewriteInfos = [{ ...place, RewriteCode: 301, TakeUrl: true }];
    await clb.done('ManualRewrite', { SourceListenerId: http, TargetListenerId: https, RewriteInfos });
    const options = {
      host: clb.vip,
      port: clb.portOf(80),
      path: '/a?b=1',
      headers: { host: SHOP.Domain },
      agent: false,
    };
    const [redirected] = await once(get(options), 'response');
    expect(redirected.statusCode).toBe(301);
    expect(redirected.headers.location).toBe('https://shop.example.com:8443/a?b=1');
    redirected.resume();
    await clb.done('DeleteRule', { ListenerId: https, LocationIds: [target] });
    const [answered] = await once(get(options), 'response');
    expect(answered.statusCode).toBe(503);
    answered.resume();
  });
});

describe('a rule of an HTTPS listener', () => {
  it('gets the requests for its host and path, over one connection', async () => {
    const clb = await started([443]);
    const ListenerId = await clb.listener({ Ports: [443], Protocol: 'HTTPS', SniSwitch: 1 });
    const [LocationId] = await clb.rules(ListenerId, [{ ...SHOP, ...certificate('cert-shop') }]);
    const Port = await portOf(
      createHttpServer((request, response) => response.end(`${request.url} ${request.headers['x-forwarded-proto']}`)),
      '127.0.0.1',
    );
    await clb.done('BatchRegisterTargets', {
      Targets: [{ ListenerId, LocationId, EniIp: '127.0.0.1', Port, Weight: 10 }],
    });
    const options = { host: clb.vip, port: clb.portOf(443), rejectUnauthorized: false, servername: SHOP.Domain };
    const [response] = await once(
      getSecurely({ ...options, path: '/cart', headers: { host: SHOP.Domain } }),
      'response',
    );
    expect(await text(response)).toBe('/cart https');
  });
});

describe('a TCP_SSL listener', () => {
  it('takes TLS off, and forwards what is inside', async () => {
    const clb = await started([993]);
    const ListenerId = await clb.listener({ Ports: [993], Protocol: 'TCP_SSL', ...certificate('cert-mail') });
    const Port = await portOf(
      createServer(socket => socket.once('data', bytes => socket.end(`got ${bytes}`))),
      '127.0.0.1',
    );
    await clb.done('BatchRegisterTargets', { Targets: [{ ListenerId, EniIp: '127.0.0.1', Port, Weight: 10 }] });
    expect(await shown(clb.portOf(993), clb.vip, '')).toBe('cert-mail');
    const socket = connect({ host: clb.vip, port: clb.portOf(993), rejectUnauthorized: false });
    socket.write('hello');
    expect(await text(socket)).toBe('got hello');
    expect(clb.errors).toEqual([]);
  });
});

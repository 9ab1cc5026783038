import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Server } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { createServerCertificate } from '../kube/api/certificates.ts';
import { passes } from './http-probe.ts';
import { listenAt } from './ports.fixture.ts';
import { socketProbe } from './socket-probe.ts';
import type { HttpCheckSettings } from './state.ts';

/** Addresses of this process alone, so that test files may run side by side. */
const PREFIX = `127.1${String(process.pid % 100).padStart(2, '0')}.9`;
const [VIP, POD] = [`${PREFIX}.1`, `${PREFIX}.101`];
const CHECK: HttpCheckSettings = {
  protocol: 'HTTP',
  method: 'HEAD',
  domain: 'www.example.com',
  path: '/up?now',
  passingStatuses: 2,
};
const never = new AbortController().signal;
const cleanUps: (() => unknown)[] = [];

afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

async function portOf(server: Server): Promise<number> {
  cleanUps.push(() => server.close());
  return await listenAt(server, POD);
}

async function podWith(status: number): Promise<{ readonly port: number; readonly requests: unknown[] }> {
  const requests: unknown[] = [];
  const server = createServer(({ method, url, headers, socket }, response) => {
    requests.push([socket.remoteAddress, headers['user-agent'], method, headers.host, url]);
    response.writeHead(status).end('a body that nobody reads');
  });
  cleanUps.push(() => server.closeAllConnections());
  return { port: await portOf(server), requests };
}

function probed(port: number, http: HttpCheckSettings, signal = never): Promise<boolean> {
  return socketProbe(new VirtualClock())({ vip: VIP, protocol: 'HTTP', address: POD, port, http }, signal);
}

describe('a check by HTTP', () => {
  it('asks from the VIP, by the method, host and path of the check', async () => {
    const { port, requests } = await podWith(200);
    expect(await probed(port, CHECK)).toBe(true);
    expect(await probed(port, { ...CHECK, method: 'GET', domain: '' })).toBe(true);
    expect(requests).toEqual([
      [VIP, 'clb-healthcheck', 'HEAD', 'www.example.com', '/up?now'],
      [VIP, 'clb-healthcheck', 'GET', POD, '/up?now'],
    ]);
  });

  it('passes by the status', async () => {
    const { port } = await podWith(404);
    expect(await probed(port, CHECK)).toBe(false);
    expect(await probed(port, { ...CHECK, passingStatuses: 2 | 8 })).toBe(true);
  });

  it('fails when nobody listens, and as soon as its time is over', async () => {
    const server = createServer(() => undefined);
    cleanUps.push(() => server.closeAllConnections());
    const port = await portOf(server);
    const stop = new AbortController();
    server.once('request', () => stop.abort());
    expect(await probed(port, CHECK, stop.signal)).toBe(false);
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
    expect(await probed(port, CHECK)).toBe(false);
  });

  it('may speak TLS, whatever the certificate', async () => {
    const wallNowMs = new VirtualClock().wallNow();
    const made = await createServerCertificate({ commonName: 'pod', addresses: [], names: ['pod'], wallNowMs });
    const server = createSecureServer({ cert: made.certificatePem, key: made.privateKeyPem }, (_, response) =>
      response.end(),
    );
    expect(await probed(await portOf(server), { ...CHECK, protocol: 'HTTPS' })).toBe(true);
  });
});

describe('the mask of statuses', () => {
  it.each([
    [100, 1],
    [204, 2],
    [301, 4],
    [404, 8],
    [503, 16],
  ])('lets %i pass by %i alone', (status, bit) => {
    expect([1, 2, 4, 8, 16].filter(mask => passes(status, mask))).toEqual([bit]);
    expect(passes(status, 31 - bit)).toBe(false);
  });

  it('lets nothing else pass', () => {
    expect([0, 99, 600, 999].some(status => passes(status, 31))).toBe(false);
  });
});

import { once } from 'node:events';
import {
  Agent,
  createServer,
  type IncomingMessage,
  type RequestListener,
  type RequestOptions,
  request as requestHttp,
} from 'node:http';
import { createServer as createSecureServer, request as requestHttps } from 'node:https';
import { connect, type Server, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { createServerCertificate } from '../kube/api/certificates.ts';
import { DataPlane } from './data-plane.ts';
import { DELAY_MAX_MS, LayerSevenFixture, ruleCreated, targetChange } from './forwarding.fixture.ts';
import { freePort, listenAt } from './ports.fixture.ts';
import type { Change, LayerSevenProtocol } from './state.ts';

/** Addresses of this process alone, so that test files may run side by side. */
const PREFIX = `127.1${String(process.pid % 100).padStart(2, '0')}.8`;
const VIP = `${PREFIX}.1`;
const CLIENT = `${PREFIX}.201`;
const POD = `${PREFIX}.101`;
const LOCATION = 'loc-00000001';
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function portOf(server: Server, host: string): Promise<number> {
  cleanUps.push(() => server.close());
  return await listenAt(server, host);
}

/** A Pod that answers by HTTP. */
async function pod(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  cleanUps.push(() => server.closeAllConnections());
  return await portOf(server, POD);
}

interface Options {
  readonly protocol?: LayerSevenProtocol;
  readonly certificate?: Certificate;
}

/** Real sockets; time moves only when a test moves it. */
async function started(options: Options = {}) {
  const { protocol = 'HTTP', certificate } = options;
  const clock = new VirtualClock();
  const port = await freePort(VIP);
  const clb = new LayerSevenFixture(clock, { vip: VIP, port, protocol });
  const errors: string[] = [];
  const plane = new DataPlane({
    clock,
    forwarding: clb.forwarding,
    portMapping: new Map(),
    onError: message => errors.push(message),
    ...(certificate && { certificate }),
  });
  cleanUps.push(() => plane.stop());
  const follow = async (...changes: readonly Change[]) => {
    clb.follow(...changes);
    await clock.advance(DELAY_MAX_MS);
    await plane.settled();
  };
  await follow(clb.listenerCreated);
  return { clb, clock, port, errors, follow };
}

type Certificate = Awaited<ReturnType<typeof createServerCertificate>>;
type Started = Awaited<ReturnType<typeof started>>;

const register = (port: number, weight = 10) =>
  targetChange('target-registered', LOCATION, { address: POD, port, weight });

/** With one rule for everything, whose targets are the Pods at these ports. */
async function serving(ports: readonly number[], options: Options = {}): Promise<Started> {
  const plane = await started(options);
  await plane.follow(ruleCreated(LOCATION), ...ports.map(port => register(port)));
  return plane;
}

function send({ port }: Started, options: RequestOptions = {}, body: string | Buffer = ''): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const headers = { host: 'www.example.com', ...(options.headers as object) };
    const request = requestHttp({ host: VIP, port, localAddress: CLIENT, agent: false, ...options, headers });
    request.once('response', resolve);
    request.on('error', reject);
    request.end(body);
    cleanUps.push(() => request.destroy());
  });
}

async function get(plane: Started, options: RequestOptions = {}, body: string | Buffer = '') {
  const response = await send(plane, options, body);
  return { status: response.statusCode, headers: response.headers, body: await text(response) };
}

function oneConnection(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  cleanUps.push(() => agent.destroy());
  return agent;
}

const named =
  (name: string): RequestListener =>
  (_, response) =>
    response.end(name);

describe('an HTTP listener', () => {
  it('tells the target who the client is, and the client what the target answered', async () => {
    const port = await pod((request, response) => {
      response.writeHead(201, { 'x-pod': 'a', 'content-type': 'application/json' });
      const { socket, headers, url, method } = request;
      response.end(JSON.stringify({ from: socket.remoteAddress, headers, url, method }));
    });
    const plane = await serving([port]);
    const answer = await get(plane, { method: 'DELETE', path: '/a?b=c', headers: { 'x-forwarded-for': '1.1.1.1' } });
    expect(answer).toMatchObject({ status: 201, headers: { 'x-pod': 'a' } });
    expect(JSON.parse(answer.body)).toMatchObject({
      from: CLIENT,
      url: '/a?b=c',
      method: 'DELETE',
      headers: {
        host: 'www.example.com',
        'x-forwarded-for': `1.1.1.1, ${CLIENT}`,
        'x-real-ip': CLIENT,
        'x-forwarded-proto': 'http',
      },
    });
  });

  it('sends each request to the rule for its host and path', async () => {
    const [web, api] = await Promise.all([pod(named('web')), pod(named('api'))]);
    const plane = await started();
    await plane.follow(
      ruleCreated('loc-web', { domain: '*.example.com' }),
      ruleCreated('loc-api', { domain: 'api.example.com', url: '/v1', isDefaultDomain: false }),
      targetChange('target-registered', 'loc-web', { address: POD, port: web }),
      targetChange('target-registered', 'loc-api', { address: POD, port: api }),
    );
    const bodyFor = async (host: string, path: string) => (await get(plane, { path, headers: { host } })).body;
    expect(await bodyFor('www.example.com', '/v1')).toBe('web');
    expect(await bodyFor('api.example.com', '/v1/pods')).toBe('api');
    expect(await bodyFor('other.test', '/')).toBe('web');
    expect((await get(plane, { path: '/', headers: { host: 'api.example.com' } })).status).toBe(404);
  });

  it('answers 503 without a target, and 502 when its only target refuses', async () => {
    const plane = await serving([]);
    expect((await get(plane)).status).toBe(503);
    await plane.follow(register(await freePort(POD)));
    expect((await get(plane)).status).toBe(502);
    expect(plane.clb.forwarding.view()[0]?.liveConnections).toEqual({
      [`lbl-00000001 ${LOCATION} ${POD}:${plane.clb.forwarded().at(-1)?.port}`]: 0,
    });
  });

  it('tries another target when one refuses, also for a request with a body', async () => {
    const echo = await pod((request, response) => request.pipe(response));
    const plane = await serving([await freePort(POD), echo]);
    for (let round = 0; round < 6; round += 1) {
      expect(await get(plane, { method: 'POST' }, `body ${round}`)).toMatchObject({
        status: 200,
        body: `body ${round}`,
      });
    }
  });

  it('carries a body of megabytes there and back, in chunks and by its length', async () => {
    const echo = await pod((request, response) => request.pipe(response));
    const plane = await serving([echo]);
    const body = Buffer.alloc(3 * 1024 * 1024, 'abc');
    for (const headers of [{ 'content-length': body.length }, { 'transfer-encoding': 'chunked' }]) {
      expect((await get(plane, { method: 'POST', headers }, body)).body).toBe(body.toString());
    }
  });

  it('makes a target wait for a client that does not read', async () => {
    let written = 0;
    const size = 64 * 1024 * 1024;
    const port = await pod((_, response) => {
      const chunk = Buffer.alloc(64 * 1024);
      const fill = () => {
        while (written < size) {
          written += chunk.length;
          if (!response.write(chunk)) {
            response.once('drain', fill);
            return;
          }
        }
        response.end();
      };
      fill();
    });
    const plane = await serving([port]);
    const response = await send(plane);
    let before = -1;
    await expect
      .poll(() => {
        const isStill = before === written;
        before = written;
        return isStill;
      })
      .toBe(true);
    expect(written).toBeLessThan(size / 2);
    expect((await text(response)).length).toBe(size);
  });

  it('refuses a body that is too large without asking a target', async () => {
    const plane = await serving([await pod(() => expect.unreachable('nothing is forwarded'))]);
    const socket = connect({ host: VIP, port: plane.port });
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n');
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 413 /);
  });

  it('passes HEAD, a 304 and an answer without a length on', async () => {
    const port = await pod((request, response) => {
      if (request.url === '/304') response.writeHead(304, { etag: '"1"' }).end();
      else if (request.method === 'HEAD') response.writeHead(200, { 'content-length': 5 }).end();
      else response.write('part 1, ', () => response.end('part 2'));
    });
    const plane = await serving([port]);
    expect(await get(plane, { method: 'HEAD' })).toMatchObject({ headers: { 'content-length': '5' }, body: '' });
    expect(await get(plane, { path: '/304' })).toMatchObject({ status: 304, headers: { etag: '"1"' } });
    expect(await get(plane)).toMatchObject({ status: 200, body: 'part 1, part 2' });
  });

  it('answers 502 when the target ends without an answer, and breaks off when the answer does', async () => {
    const port = await pod((request, response) => {
      if (request.url === '/silent') request.socket.resetAndDestroy();
      else response.write('begun', () => request.socket.resetAndDestroy());
    });
    const plane = await serving([port]);
    expect((await get(plane, { path: '/silent' })).status).toBe(502);
    await expect(get(plane)).rejects.toThrow('aborted');
  });

  it('answers 504 when a target says nothing for a minute', async () => {
    const asked = Promise.withResolvers<void>();
    const plane = await serving([await pod(() => asked.resolve())]);
    const answer = get(plane);
    await asked.promise;
    await plane.clock.advance(60_000);
    expect((await answer).status).toBe(504);
  });

  it('lets the target know when the client has left', async () => {
    const left = Promise.withResolvers<void>();
    const plane = await serving([await pod((_, response) => void response.once('close', left.resolve).flushHeaders())]);
    const response = await send(plane);
    response.destroy();
    await left.promise;
    await expect.poll(() => Object.values(plane.clb.forwarding.view()[0]?.liveConnections ?? {})).toEqual([0]);
  });

  it('brings a client back to its target by a cookie, if the rule has sessions', async () => {
    const plane = await started();
    const ports = [await pod(named('a')), await pod(named('b'))];
    await plane.follow(ruleCreated(LOCATION, { sessionExpireSeconds: 60 }), ...ports.map(port => register(port)));
    const first = await get(plane);
    const [cookie = ''] = first.headers['set-cookie'] ?? [];
    expect(cookie).toMatch(/Max-Age=60$/);
    for (let round = 0; round < 3; round += 1) {
      expect((await get(plane, { headers: { cookie: cookie.split(';')[0] ?? '' } })).body).toBe(first.body);
    }
    expect((await get(plane)).body).not.toBe(first.body);
  });

  it('speaks TLS to targets if the rule says so, whatever their certificate', async () => {
    const { certificatePem: cert, privateKeyPem: key } = await certificateFor('pod.test');
    const server = createSecureServer({ cert, key }, named('secure'));
    const port = await portOf(server, POD);
    const plane = await started();
    await plane.follow(ruleCreated(LOCATION, { forwardProtocol: 'HTTPS' }), register(port));
    expect(await get(plane)).toMatchObject({ status: 200, body: 'secure' });
  });
});

describe('a client that keeps its connection', () => {
  it('gets a target for each request, and moves on from one whose weight becomes 0', async () => {
    const ports = [await pod(named('a')), await pod(named('b'))] as const;
    const plane = await serving(ports);
    const agent = oneConnection();
    const bodies = async () => [await get(plane, { agent }), await get(plane, { agent })].map(({ body }) => body);
    expect((await bodies()).sort()).toEqual(['a', 'b']);
    await plane.follow(targetChange('target-reweighted', LOCATION, { address: POD, port: ports[0], weight: 0 }));
    expect(await bodies()).toEqual(['b', 'b']);
    expect(Object.keys(agent.freeSockets)).toHaveLength(1);
  });

  it('keeps a request under way at weight 0, and loses it when its target is deregistered', async () => {
    const requests: (() => void)[] = [];
    const port = await pod((_, response) => requests.push(() => response.end('late')));
    const plane = await serving([port]);
    const target = { address: POD, port };
    const [kept, cut] = [get(plane), get(plane, { path: '/cut' })];
    await expect.poll(() => requests.length).toBe(2);
    await plane.follow(targetChange('target-reweighted', LOCATION, { ...target, weight: 0 }));
    requests[0]?.();
    const answers = Promise.all([kept, cut].map(async answer => (await answer).status));
    await expect.poll(() => Object.values(plane.clb.forwarding.view()[0]?.liveConnections ?? {})).toEqual([1]);
    await plane.follow(targetChange('target-deregistered', LOCATION, target));
    expect((await answers).sort()).toEqual([200, 502]);
    const { liveConnections, openedConnections, locationId } = plane.clb.forwarded().at(-1) ?? {};
    expect({ liveConnections, openedConnections, locationId }).toEqual({
      liveConnections: 1,
      openedConnections: 2,
      locationId: LOCATION,
    });
  });

  it('has an answer broken off when the target is deregistered in the middle of it', async () => {
    const port = await pod((_, response) => response.write('begun'));
    const plane = await serving([port]);
    const response = await send(plane);
    const body = text(response);
    await plane.follow(targetChange('target-deregistered', LOCATION, { address: POD, port }));
    await expect(body).rejects.toThrow('aborted');
  });

  it('is cut off when the listener is deleted', async () => {
    const plane = await serving([await pod(named('a'))]);
    const agent = oneConnection();
    await get(plane, { agent });
    await plane.follow(plane.clb.listenerDeleted);
    await expect(get(plane, { agent })).rejects.toThrow();
    await expect(get(plane)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });
});

describe('a client that wants another protocol', () => {
  const HANDSHAKE = 'GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

  /** Answers in capitals, until the client ends. */
  async function upgradingPod(): Promise<number> {
    const server = createServer();
    server.on('upgrade', (request, socket: Socket) => {
      socket.on('error', () => undefined);
      cleanUps.push(() => socket.destroy());
      socket.write(`HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: ${request.headers.upgrade}\r\n\r\n`);
      socket.on('data', chunk => socket.write(chunk.toString().toUpperCase()));
    });
    return await portOf(server, POD);
  }

  const closeOf = (socket: Socket) => new Promise(resolve => socket.once('close', resolve));

  async function shakenHands(plane: Started): Promise<Socket> {
    const socket = connect({ host: VIP, port: plane.port, localAddress: CLIENT });
    cleanUps.push(() => socket.destroy());
    socket.on('error', () => undefined);
    socket.write(`${HANDSHAKE}early`);
    let received = '';
    socket.on('data', chunk => {
      received += chunk;
    });
    await expect.poll(() => received).toMatch(/^HTTP\/1\.1 101 Yes\r\n.*Upgrade: websocket\r\n\r\nEARLY$/s);
    return socket;
  }

  it('talks to the target directly from then on, at weight 0 too, until the target is deregistered', async () => {
    const port = await upgradingPod();
    const plane = await serving([port]);
    const socket = await shakenHands(plane);
    await plane.follow(targetChange('target-reweighted', LOCATION, { address: POD, port, weight: 0 }));
    socket.write('later');
    expect(String((await once(socket, 'data'))[0])).toBe('LATER');
    const closed = closeOf(socket);
    await plane.follow(targetChange('target-deregistered', LOCATION, { address: POD, port }));
    await closed;
    expect(plane.clb.forwarded().at(-1)?.liveConnections).toBe(1);
  });

  it('is cut off when nothing is said for a minute', async () => {
    const plane = await serving([await upgradingPod()]);
    const closed = closeOf(await shakenHands(plane));
    await plane.clock.advance(60_000);
    await closed;
  });

  it('gets an ordinary answer from a target that does not want to', async () => {
    const plane = await serving([await pod(named('no'))]);
    const socket = connect({ host: VIP, port: plane.port });
    socket.write(HANDSHAKE);
    expect(await text(socket)).toMatch(/^HTTP\/1\.1 200 OK\r\n.*Connection: close\r\n.*no/s);
  });
});

describe('an HTTPS listener', () => {
  const ask = async ({ port }: Started, options: RequestOptions & { readonly ca?: string }) => {
    const request = requestHttps({ host: VIP, port, localAddress: CLIENT, agent: false, ...options });
    request.end();
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    return await text(response);
  };

  it('shows a certificate of its own making, and says https to the target', async () => {
    const port = await pod((request, response) => response.end(String(request.headers['x-forwarded-proto'])));
    const plane = await serving([port], { protocol: 'HTTPS' });
    await expect(ask(plane, {})).rejects.toMatchObject({ code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' });
    expect(await ask(plane, { rejectUnauthorized: false } as RequestOptions)).toBe('https');
  });

  it('shows the certificate it is given', async () => {
    const certificate = await certificateFor('www.example.com');
    const plane = await serving([await pod(named('trusted'))], { protocol: 'HTTPS', certificate });
    const trusting = { ca: certificate.caCertificatePem, headers: { host: 'www.example.com' } };
    expect(await ask(plane, { ...trusting, servername: 'www.example.com' } as RequestOptions)).toBe('trusted');
  });
});

function certificateFor(name: string): Promise<Certificate> {
  const wallNowMs = new VirtualClock().wallNow();
  return createServerCertificate({ commonName: name, addresses: [], names: [name], wallNowMs });
}

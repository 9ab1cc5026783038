import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { DataPlane } from './data-plane.ts';
import { freePort, listenAt } from './ports.fixture.ts';
import { ClbServer } from './server.ts';
import { defaultSettings, vipsOfPrefix } from './settings.ts';
import { socketProbe } from './socket-probe.ts';

/** Addresses of this process alone, so that test files may run side by side. */
const PREFIX = `127.1${String(process.pid % 100).padStart(2, '0')}.7`;
const CLIENT = `${PREFIX}.201`;
const POD = `${PREFIX}.101`;
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Real sockets; time moves only when a test moves it, so every forwarder's delay is under control. */
async function started(protocol: 'TCP' | 'UDP', options: { readonly portMapping?: ReadonlyMap<number, number> } = {}) {
  const clock = new VirtualClock();
  const random = seededRandom(3);
  const settings = defaultSettings(vipsOfPrefix(PREFIX));
  const server = new ClbServer({ clock, random, settings, probe: socketProbe(clock) });
  const errors: string[] = [];
  const { forwarding } = server;
  const portMapping = options.portMapping ?? new Map();
  const plane = new DataPlane({ clock, forwarding, portMapping, onError: message => errors.push(message) });
  cleanUps.push(() => plane.stop());
  cleanUps.push(() => server.stop());
  const { id, vip } = server.seed({});
  const port = await freePort(vip);
  const call = async (action: string, parameters: object) => {
    const answer = server.call(action, { LoadBalancerId: id, ...parameters });
    await clock.advance(1_000);
    return await answer;
  };
  const created = await call('CreateListener', { Ports: [port], Protocol: protocol, HealthCheck: { HealthSwitch: 0 } });
  const listenerId = (created.ListenerIds as string[])[0];
  const followed = async () => {
    await clock.advance(settings.forwarding.delayMaxMs);
    await plane.settled();
  };
  await followed();
  return {
    server,
    clock,
    errors,
    vip,
    port,
    call,
    followed,
    target: (address: string, targetPort: number) => ({
      ListenerId: listenerId,
      EniIp: address,
      Port: targetPort,
      Weight: 10,
    }),
  };
}

async function pod(onConnection: (socket: Socket) => void): Promise<number> {
  const server: Server = createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => undefined);
    cleanUps.push(() => socket.destroy());
    onConnection(socket);
  });
  cleanUps.push(() => server.close());
  return await listenAt(server, POD);
}

function dial(vip: string, port: number): Socket {
  const socket = connect({ host: vip, port, localAddress: CLIENT, allowHalfOpen: true });
  cleanUps.push(() => socket.destroy());
  return socket;
}

async function outcomeOf(socket: Socket): Promise<string> {
  const chunks: string[] = [];
  socket.on('data', chunk => chunks.push(chunk.toString()));
  return await new Promise(resolve => {
    socket.once('error', error => resolve('code' in error ? String(error.code) : error.message));
    socket.once('end', () => resolve(chunks.join('')));
  });
}

describe('a TCP listener', () => {
  it('forwards with the source address of the client, and passes half-close on', async () => {
    const plane = await started('TCP');
    const podPort = await pod(socket => {
      const received: string[] = [];
      socket.on('data', chunk => received.push(chunk.toString()));
      socket.on('end', () => socket.end(`${received.join('')} from ${socket.remoteAddress}`));
    });
    await plane.call('BatchRegisterTargets', { Targets: [plane.target(POD, podPort)] });
    await plane.followed();
    const client = dial(plane.vip, plane.port);
    const answer = outcomeOf(client);
    client.end('hello');
    expect(await answer).toBe(`hello from ${CLIENT}`);
  });

  it('resets clients while it has no target, and when the target refuses', async () => {
    const plane = await started('TCP');
    expect(await outcomeOf(dial(plane.vip, plane.port))).toBe('ECONNRESET');
    await plane.call('BatchRegisterTargets', { Targets: [plane.target(POD, await freePort(POD))] });
    await plane.followed();
    expect(await outcomeOf(dial(plane.vip, plane.port))).toBe('ECONNRESET');
  });

  it('passes a reset by the target on', async () => {
    const plane = await started('TCP');
    const podPort = await pod(socket => socket.once('data', () => socket.resetAndDestroy()));
    await plane.call('BatchRegisterTargets', { Targets: [plane.target(POD, podPort)] });
    await plane.followed();
    const client = dial(plane.vip, plane.port);
    client.write('x');
    expect(await outcomeOf(client)).toBe('ECONNRESET');
  });

  it('keeps a connection at weight 0, refuses new ones, and cuts it when the target is deregistered', async () => {
    const plane = await started('TCP');
    const podPort = await pod(socket => socket.on('data', chunk => socket.write(`echo ${chunk}`)));
    const target = plane.target(POD, podPort);
    await plane.call('BatchRegisterTargets', { Targets: [target] });
    await plane.followed();
    const client = dial(plane.vip, plane.port);
    const closed = new Promise(resolve => client.once('close', resolve));
    client.on('error', () => undefined);
    client.write('0');
    expect(String((await once(client, 'data'))[0])).toBe('echo 0');
    const { Weight: _, ListenerId, ...address } = target;
    await plane.call('BatchModifyTargetWeight', { ModifyList: [{ ListenerId, Weight: 0, Targets: [address] }] });
    await plane.followed();
    client.write('1');
    expect(String((await once(client, 'data'))[0])).toBe('echo 1');
    expect(await outcomeOf(dial(plane.vip, plane.port))).toBe('ECONNRESET');
    await plane.call('BatchDeregisterTargets', { Targets: [{ ListenerId, ...address }] });
    await plane.followed();
    expect(await closed).toBe(true);
  });

  it('still sends connections to a deregistered target until the forwarders follow', async () => {
    const plane = await started('TCP');
    plane.server.configure({
      ...plane.server.settings(),
      forwarding: { forwarders: 2, delayMinMs: 1_900, delayMaxMs: 2_000 },
    });
    const podPort = await pod(socket => socket.end('served'));
    const target = plane.target(POD, podPort);
    await plane.call('BatchRegisterTargets', { Targets: [target] });
    await plane.followed();
    const { Weight: _, ...binding } = target;
    await plane.call('BatchDeregisterTargets', { Targets: [binding] });
    expect(await outcomeOf(dial(plane.vip, plane.port))).toBe('served');
    await plane.followed();
    expect(await outcomeOf(dial(plane.vip, plane.port))).toBe('ECONNRESET');
  });

  it('is gone when it is deleted', async () => {
    const plane = await started('TCP');
    await plane.call('DeleteLoadBalancerListeners', {});
    await plane.followed();
    expect(await outcomeOf(dial(plane.vip, plane.port))).toBe('ECONNREFUSED');
  });

  it('says what to do when the address is taken', async () => {
    const plane = await started('TCP');
    const blocker = createServer().listen(0, plane.vip);
    await once(blocker, 'listening');
    cleanUps.push(() => blocker.close());
    await plane.call('CreateListener', { Protocol: 'TCP', Ports: [(blocker.address() as AddressInfo).port] });
    await plane.followed();
    expect(plane.errors).toEqual([expect.stringMatching(/cannot listen on TCP .* \(EADDRINUSE\): another program/)]);
  });
});

describe('a UDP listener', () => {
  it('carries datagrams both ways with the address of the client, and keeps a flow until it is cut', async () => {
    const plane = await started('UDP');
    const echo = createSocket('udp4');
    echo.on('message', (text, { address, port }) => echo.send(`${text} from ${address}`, port, address));
    echo.bind(0, POD);
    await once(echo, 'listening');
    cleanUps.push(() => echo.close());
    const target = plane.target(POD, echo.address().port);
    await plane.call('BatchRegisterTargets', { Targets: [target] });
    await plane.followed();
    const client = createSocket('udp4');
    client.bind(0, CLIENT);
    await once(client, 'listening');
    cleanUps.push(() => client.close());
    client.send('hello', plane.port, plane.vip);
    expect(String((await once(client, 'message'))[0])).toBe(`hello from ${CLIENT}`);
    const { Weight: _, ...binding } = target;
    await plane.call('BatchDeregisterTargets', { Targets: [binding] });
    await plane.followed();
    const [, second] = plane.server.forwarding.view();
    expect(second?.liveConnections).toEqual({});
  });
});

describe('probes', () => {
  it('of TCP connect from the VIP, and fail where nothing listens', async () => {
    const probe = socketProbe(new VirtualClock());
    const sources: (string | undefined)[] = [];
    const port = await pod(socket => sources.push(socket.remoteAddress));
    const { signal } = new AbortController();
    const target = { vip: `${PREFIX}.1`, protocol: 'TCP', address: POD } as const;
    expect(await probe({ ...target, port }, signal)).toBe(true);
    await expect.poll(() => sources).toEqual([`${PREFIX}.1`]);
    expect(await probe({ ...target, port: await freePort(POD) }, signal)).toBe(false);
  });

  it('of UDP fail only when the datagram is refused', async () => {
    const probe = socketProbe(systemClock());
    const silent = createSocket('udp4').bind(0, POD);
    await once(silent, 'listening');
    const { port } = silent.address();
    const { signal } = new AbortController();
    const target = { vip: `${PREFIX}.1`, protocol: 'UDP', address: POD, port } as const;
    expect(await probe(target, signal)).toBe(true);
    await new Promise<void>(resolve => silent.close(() => resolve()));
    expect(await probe(target, signal)).toBe(false);
  });
});

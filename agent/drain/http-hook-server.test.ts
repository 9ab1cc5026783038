import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import type { HookCallee, HookCallees } from './hook-transport.ts';
import { type HttpHookServer, openHttpHookServer } from './http-hook-server.ts';

const POD = '10.0.0.5';
/** 10.0.0.5:19440, as the kernel writes it. */
const POD_HOOK = '0500000A:4BF0';
const STRANGER = '10.0.0.7';
const LOCAL = '127.0.0.1:19440';
const LOCAL_HOOK = '0100007F:4BF0';

let procRoot: string;
let hooks: HttpHookServer;
let refusals: string[];
let stop: AbortController;

beforeEach(async () => {
  procRoot = await mkdtemp(join(tmpdir(), 'clb-direct-hooks-'));
  await mkdir(join(procRoot, 'net'));
  refusals = [];
  stop = new AbortController();
  hooks = await openHttpHookServer({
    host: '127.0.0.1',
    port: 0,
    hookPort: DEFAULT_INSTANCE.hookPort,
    procRoot,
    onRefused: reason => refusals.push(reason),
  });
});
afterEach(() => rm(procRoot, { recursive: true }));

const TOKEN = 'k3V9xQ_2mZ-81bTfRw0a';

function serve(hold: HookCallees['hold']): Promise<void> {
  const podUidOf = (token: string) => (token === TOKEN ? 'uid-1' : undefined);
  const isHooked = (address: string) => address !== STRANGER;
  return hooks.serve({ hold, isHooked, podUidOf }, stop.signal);
}

interface Call {
  readonly host?: string;
  readonly path?: string;
  readonly remote?: string;
  readonly uid?: number;
  readonly table?: 'tcp' | 'tcp6';
}

/** Connects, has the node's socket table say what `call` wants, and sends the request. */
async function open({
  host = `${POD}:19440`,
  path = '/v1/drain',
  remote = POD_HOOK,
  uid = 0,
  table = 'tcp',
}: Call = {}): Promise<Socket> {
  const socket = connect(hooks.port, '127.0.0.1');
  await new Promise(resolve => socket.once('connect', resolve));
  const port = (socket.localPort ?? 0).toString(16).toUpperCase().padStart(4, '0');
  const row = `   0: 0100007F:${port} ${remote} 01 00000000:00000000 00:00000000 00000000 ${uid} 0 4711 1`;
  await writeFile(join(procRoot, 'net', table), row);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  return socket;
}

async function textOf(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket) text += chunk;
  return text;
}

async function statusOf(socket: Socket): Promise<number> {
  return Number(/^HTTP\/1\.1 (\d+)/.exec(await textOf(socket))?.[1]);
}

describe('a preStop call', () => {
  test('is held until the handler lets it go, names its Pod by the Host header, and hears what happened', async () => {
    const release = Promise.withResolvers<void>();
    const called = Promise.withResolvers<HookCallee>();
    const served = serve(async callee => {
      called.resolve(callee);
      await release.promise;
      return 'drained in 3.2 s';
    });
    const socket = await open();
    expect(await called.promise).toEqual({ address: POD });
    stop.abort();
    release.resolve();
    const text = await textOf(socket);
    expect(text).toMatch(/^HTTP\/1\.1 200 /);
    expect(text).toContain('drained in 3.2 s\n');
    await served;
  });

  test('tells the handler when its caller hangs up', async () => {
    const hungUp = Promise.withResolvers<void>();
    const called = Promise.withResolvers<void>();
    const served = serve(async (_, signal) => {
      signal.addEventListener('abort', () => hungUp.resolve(), { once: true });
      called.resolve();
      await hungUp.promise;
      return 'nobody reads this';
    });
    const socket = await open();
    await called.promise;
    socket.destroy();
    await hungUp.promise;
    stop.abort();
    await served;
  });

  test('with a token is held for the Pod that the token stands for', async () => {
    const called: HookCallee[] = [];
    const served = serve(async callee => {
      called.push(callee);
      return 'drained';
    });
    const socket = await open({ host: LOCAL, path: `/v1/drain/${TOKEN}`, remote: LOCAL_HOOK });
    expect(await statusOf(socket)).toBe(200);
    expect(called).toEqual([{ podUid: 'uid-1' }]);
    stop.abort();
    await served;
  });

  test('to an IPv6 address is looked up in the table of IPv6 sockets', async () => {
    const called: HookCallee[] = [];
    const served = serve(async callee => {
      called.push(callee);
      return 'drained';
    });
    const remote = '000000FD0000000000000000_05000000:4BF0'.replace('_', '');
    const socket = await open({ host: '[fd00::5]:19440', remote, table: 'tcp6' });
    expect(await statusOf(socket)).toBe(200);
    expect(called).toEqual([{ address: 'fd00::5' }]);
    stop.abort();
    await served;
  });

  test('is answered at once while the agent starts', async () => {
    expect(await statusOf(await open())).toBe(503);
  });
});

describe('a call is turned away', () => {
  test.each<[string, Call, number, string]>([
    ['when the socket table shows it was made to the agent itself', { remote: LOCAL_HOOK }, 403, 'not-the-kubelet'],
    ['when it was made to another Pod than it names', { host: '10.0.0.6:19440' }, 403, 'not-the-kubelet'],
    ['when it comes from another user than root', { uid: 1000 }, 403, 'not-the-kubelet'],
    ['when no calls to that Pod are led here', { host: `${STRANGER}:19440` }, 403, 'unknown-pod'],
    ['when its token stands for no Pod', { host: LOCAL, path: '/v1/drain/nonsense' }, 403, 'unknown-token'],
    ['when its token was sent to a Pod', { path: `/v1/drain/${TOKEN}` }, 400, 'no-pod-named'],
    ['when it names no address', { host: 'localhost:19440' }, 400, 'no-pod-named'],
    ['when it names another port', { host: `${POD}:80` }, 400, 'no-pod-named'],
    ['when it asks for another path', { path: '/' }, 404, 'not-a-hook'],
  ])('%s', async (_, call, status, reason) => {
    let wasHandled = false;
    const served = serve(async () => {
      wasHandled = true;
      return 'drained';
    });
    expect(await statusOf(await open(call))).toBe(status);
    expect(refusals).toEqual([reason]);
    expect(wasHandled).toBe(false);
    stop.abort();
    await served;
  });
});

import { execFile, spawnSync } from 'node:child_process';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { tcpProbes } from './tcp-probes.ts';

const FIXTURE = fileURLToPath(new URL('./tcp-probes.fixture.ts', import.meta.url));
const { signal } = new AbortController();

function missingPrerequisite(): string | undefined {
  if (process.getuid?.() !== 0) return 'needs root for a network namespace';
  if (spawnSync('ip', ['-V']).status !== 0) return 'needs a working ip';
  return spawnSync('unshare', ['--net', 'true']).status === 0 ? undefined : 'needs a working unshare';
}

/** A port of the loopback on which somebody listens for as long as the test runs. */
async function listen(onConnection: (socket: Socket) => void) {
  const server = createServer(onConnection);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const close = () => new Promise<void>(resolve => server.close(() => resolve()));
  return { port: (server.address() as AddressInfo).port, close };
}

test('a port on which somebody listens is connected, and let go without a byte', async () => {
  const ended = Promise.withResolvers<number>();
  const { port, close } = await listen(socket => {
    socket.on('error', () => undefined).resume();
    socket.once('close', () => ended.resolve(socket.bytesRead));
  });
  expect(await tcpProbes().connect('127.0.0.1', port, signal)).toBe('connected');
  expect(await ended.promise).toBe(0);
  await close();
});

test('a port on which nobody listens is refused', async () => {
  const { port, close } = await listen(() => {});
  await close();
  expect(await tcpProbes().connect('127.0.0.1', port, signal)).toBe('refused');
});

test('a signal that has aborted sends nothing', async () => {
  let connections = 0;
  const { port, close } = await listen(() => {
    connections += 1;
  });
  const reason = new Error('too late');
  await expect(tcpProbes().connect('127.0.0.1', port, AbortSignal.abort(reason))).rejects.toThrow('too late');
  await close();
  expect(connections).toBe(0);
});

test('in a namespace, a machine that is off is silent, and one without a route is told at once', async ({ skip }) => {
  const missing = missingPrerequisite();
  if (missing) return skip(missing);
  const { stdout } = await promisify(execFile)('unshare', ['--net', process.execPath, FIXTURE], { timeout: 20_000 });
  expect(JSON.parse(stdout)).toEqual({ off: 'DeadlineExceededError', nowhere: 'unreachable' });
});

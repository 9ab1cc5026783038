import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { type Check, runChecks } from './check.ts';
import { procCheck } from './proc-check.ts';
import { dbusCheck, portCheck } from './socket-checks.ts';

let folder: string;
let server: Server | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clb-direct-sockets-'));
});
afterEach(async () => {
  await new Promise<unknown>(resolve => (server ? server.close(resolve) : resolve(undefined)));
  server = undefined;
  await rm(folder, { recursive: true });
});

async function say(check: Check): Promise<string> {
  const [result] = await runChecks(systemClock(), [check]);
  return result?.finding.type === 'found' ? result.finding.what : (result?.finding.cause ?? '');
}

async function listen(listening: Server, at: { path: string } | { port: number; host: string }): Promise<number> {
  server = listening;
  await new Promise<void>(resolve => listening.listen(at, resolve));
  const address = listening.address();
  return typeof address === 'string' ? 0 : (address as AddressInfo).port;
}

test('a port nobody has is free', async () => {
  const port = await listen(createServer(), { host: '127.0.0.1', port: 0 });
  await new Promise(resolve => server?.close(resolve));
  server = undefined;
  expect(await say(portCheck('--http-listen', { host: '127.0.0.1', port }))).toBe(`${port} is free`);
});

test('one that an agent serves is all right, one of another program is not', async () => {
  let page = 'clb_direct_agent_pods 1';
  const port = await listen(
    createHttpServer((_, response) => response.end(page)),
    { host: '127.0.0.1', port: 0 },
  );
  const check = portCheck('--http-listen', { host: '127.0.0.1', port });
  expect(await say(check)).toBe(`${port} is that of the agent that runs here`);
  page = 'node_cpu_seconds_total 1';
  expect(await say(check)).toBe(`127.0.0.1:${port} cannot be listened on: EADDRINUSE`);
});

test('D-Bus answers where something listens at its socket', async () => {
  const path = join(folder, 'bus');
  expect(await say(dbusCheck(path))).toContain('ENOENT');
  await listen(createServer(), { path });
  expect(await say(dbusCheck(path))).toBe(`${path} answers`);
});

test("the node's processes are told from those of a container", async () => {
  expect(await say(procCheck('/proc'))).toMatch(/^\d+ processes, and their connections$/);
  expect(await say(procCheck(folder))).toBe(`${folder} shows no process`);
});

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { type Call, startCoordinator, type TestCoordinator } from '../report/coordinator.fixture.ts';
import { tryCoordinator } from '../report/grpc-connector.ts';
import { runChecks } from './check.ts';
import { coordinatorCheck } from './coordinator-checks.ts';

let folder: string;
let coordinator: TestCoordinator;
let onCall: (call: Call) => void;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clb-direct-check-'));
  await writeFile(join(folder, 'token'), 'token');
  onCall = call => call.on('end', () => call.end());
  coordinator = await startCoordinator({ folder, onCall: call => onCall(call) });
});
afterEach(async () => {
  coordinator.stop();
  await rm(folder, { recursive: true });
});

async function look(addresses = [`127.0.0.1:${coordinator.port}`]) {
  const report = {
    host: '127.0.0.1',
    port: coordinator.port,
    certificateAuthorityFile: join(folder, 'ca.crt'),
    tokenFile: join(folder, 'token'),
  };
  const check = coordinatorCheck({
    coordinator: 'coordinators:9443',
    resolve: async () => addresses,
    attempt: (address, signal) => tryCoordinator(report, address, signal),
  });
  return (await runChecks(systemClock(), [check]))[0]?.finding;
}

test('coordinators that take the token are named, and were told nothing', async () => {
  const address = `127.0.0.1:${coordinator.port}`;
  expect(await look([address, address])).toEqual({ type: 'found', what: `${address} took our token` });
  expect(coordinator.calls.map(({ requests }) => requests)).toEqual([[]]);
});

test('a token that is not taken is told with the cause', async () => {
  onCall = call => call.emit('error', { code: status.UNAUTHENTICATED, details: 'token has expired' });
  expect(await look()).toMatchObject({
    cause: expect.stringContaining('UNAUTHENTICATED: token has expired'),
    remedy: expect.stringContaining('see the rows of authority and token'),
  });
});

test('one of several that cannot be reached is told', async () => {
  expect(await look([`127.0.0.1:${coordinator.port}`, '127.0.0.1:1'])).toMatchObject({
    cause: expect.stringMatching(/^1 of 2 failed, 127.0.0.1:1: UNAVAILABLE.*ECONNREFUSED/),
    remedy: expect.stringContaining('network policies'),
  });
});

test('a certificate of another authority is told apart', async () => {
  const { port } = coordinator;
  const another = await startCoordinator({ folder, onCall });
  another.stop();
  expect(await look([`127.0.0.1:${port}`])).toMatchObject({
    cause: expect.stringContaining('certificate'),
    remedy: expect.stringContaining('clb-direct-ca'),
  });
});

test('a name without address is a miss', async () => {
  expect(await look([])).toMatchObject({ cause: 'coordinators:9443 stands for no address' });
});

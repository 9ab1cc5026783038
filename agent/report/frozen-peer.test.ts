import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { ACK, startCoordinator, type TestCoordinator, WELCOME } from './coordinator.fixture.ts';
import { type Forwarder, startForwarder } from './frozen-peer.fixture.ts';
import { grpcReportConnector } from './grpc-connector.ts';
import { SILENCE_LIMIT_MS } from './report-session.ts';
import { reportStreams } from './report-streams.fixture.ts';
import type { ReportStreams } from './report-streams.ts';

/** The keepalive ping comes after 3 s without anything, and may take 2 s. */
const NOTICED_MS = 5_000;
const SLACK_MS = 2_000;

const clock = systemClock();
let folder: string;
let coordinator: TestCoordinator;
let forwarder: Forwarder;
let streams: ReportStreams;
let connected: number;
let stop: AbortController;
let stopped: Promise<void>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clb-direct-frozen-'));
  await writeFile(join(folder, 'token'), 'token');
  coordinator = await startCoordinator({
    folder,
    onCall: call => {
      call.write(WELCOME);
      call.on('data', () => call.write(ACK));
    },
  });
  forwarder = await startForwarder(coordinator.port);
  connected = 0;
  stop = new AbortController();
  streams = reportStreams({
    clock,
    connector: grpcReportConnector({
      host: '127.0.0.1',
      port: forwarder.port,
      certificateAuthorityFile: join(folder, 'ca.crt'),
      tokenFile: join(folder, 'token'),
    }),
    onCoordinators: coordinators => {
      connected = coordinators.connected;
    },
  });
  stopped = streams.run(stop.signal);
});
afterEach(async () => {
  forwarder.thaw();
  stop.abort();
  await stopped;
  forwarder.stop();
  coordinator.stop();
  await rm(folder, { recursive: true });
});

const untilConnected = (count: number, timeoutMs: number) =>
  expect.poll(() => connected, { timeout: timeoutMs, interval: 20 }).toBe(count);

test('a coordinator that freezes is noticed within 5 s, and found again once it goes on', async () => {
  await untilConnected(1, 5_000);
  const frozenAt = clock.now();
  forwarder.freeze();
  await untilConnected(0, NOTICED_MS + SLACK_MS);
  expect(clock.now() - frozenAt).toBeGreaterThan(2_000);
  forwarder.thaw();
  // An attempt that began while it was frozen is given up when the silence has lasted too long.
  await untilConnected(1, SILENCE_LIMIT_MS + SLACK_MS);
  expect(coordinator.calls.length).toBeGreaterThanOrEqual(2);
}, 30_000);

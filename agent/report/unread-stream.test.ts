import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import type { PodRecord } from '../../common/pod-record.ts';
import { podRecord } from '../../common/pods/pod.fixture.ts';
import { noMetrics } from '../metrics.ts';
import { ACK, startCoordinator, type TestCoordinator, WELCOME } from './coordinator.fixture.ts';
import { grpcReportConnector } from './grpc-connector.ts';
import { reportStreams } from './report-streams.fixture.ts';

const PODS = 100;
const CHANGES = 100_000;
/** What the event loop gets to do its sending. */
const CHANGES_A_TURN = 100;
const GROWTH_MIB_MAX = 8;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const turn = () => new Promise(resolve => setImmediate(resolve));

let folder: string;
let coordinator: TestCoordinator;
let readAgain: () => void;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clb-direct-unread-'));
  await writeFile(join(folder, 'token'), 'token');
  coordinator = await startCoordinator({
    folder,
    onCall: call => {
      call.pause();
      call.write(WELCOME);
      readAgain = () => {
        call.resume();
        call.on('data', () => call.write(ACK));
      };
    },
  });
});
afterEach(async () => {
  coordinator.stop();
  await rm(folder, { recursive: true });
});

function heapMib(): number {
  collectGarbage();
  return process.memoryUsage().heapUsed / 2 ** 20 + process.memoryUsage().external / 2 ** 20;
}

/** A change of one of PODS Pods, of which every tenth is replaced by another. */
function change(records: Map<string, PodRecord>, index: number) {
  const name = `web-${index % PODS}`;
  const isReplaced = index % 10 === 0;
  const previous = records.get(name);
  const uid = isReplaced || !previous ? `${name}-${index}` : previous.uid;
  const record = podRecord({ uid, name, labels: { revision: `${index}` } });
  records.set(name, record);
  return { upserts: [record], removals: isReplaced && previous ? [previous.uid] : [] };
}

test(`a coordinator that never reads costs nothing, whatever happens on the node, and is told all of it at last`, async () => {
  const records = new Map<string, PodRecord>();
  const sentTypes: string[] = [];
  const streams = reportStreams({
    clock: systemClock(),
    connector: grpcReportConnector({
      host: '127.0.0.1',
      port: coordinator.port,
      certificateAuthorityFile: join(folder, 'ca.crt'),
      tokenFile: join(folder, 'token'),
    }),
    metrics: { ...noMetrics(), podMessageSent: type => sentTypes.push(type) },
    records: () => [...records.values()],
  });
  for (let index = 0; index < PODS; index += 1) change(records, index);
  const stop = new AbortController();
  const stopped = streams.run(stop.signal);
  await expect.poll(() => sentTypes, { timeout: 20_000 }).toEqual(['snapshot']);

  const make = async (from: number, count: number) => {
    for (let index = from; index < from + count; index += 1) {
      streams.podsChanged(change(records, index));
      if (index % CHANGES_A_TURN === 0) await turn();
    }
  };
  await make(PODS, CHANGES / 10);
  const sentUntilFull = sentTypes.length;
  const before = heapMib();
  await make(PODS + CHANGES / 10, CHANGES - CHANGES / 10);
  expect(heapMib() - before).toBeLessThan(GROWTH_MIB_MAX);
  expect(sentTypes).toHaveLength(sentUntilFull);

  readAgain();
  await expect.poll(() => sentTypes.length, { timeout: 20_000 }).toBe(sentUntilFull + 1);
  const revisions = () => lastRevisions(coordinator);
  await expect
    .poll(revisions, { timeout: 20_000 })
    .toEqual(new Map([...records.values()].map(({ uid, labels }) => [uid, labels.revision])));
  stop.abort();
  await stopped;
}, 60_000);

/** What the coordinator believes after all it was told. */
function lastRevisions({ calls }: TestCoordinator): Map<string, string | undefined> {
  const known = new Map<string, string | undefined>();
  for (const { message } of calls[0]?.requests ?? []) {
    if (message?.$case === 'snapshot') known.clear();
    if (message?.$case === 'delta') for (const uid of message.value.removals) known.delete(uid);
    if (message?.$case !== 'snapshot' && message?.$case !== 'delta') continue;
    const pods = message.$case === 'snapshot' ? message.value.pods : message.value.upserts;
    for (const { uid, labels } of pods) known.set(uid, labels.revision);
  }
  return known;
}

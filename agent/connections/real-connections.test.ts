import { describe, expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { type HeldConnections, holdConnections, missingForNamespace } from './held-connections-process.ts';
import type { IdleTimes } from './idle-times.ts';
import { procConnections } from './proc-connections.ts';
import { readNamespaceCounters } from './proc-counters.ts';
import type { Connection } from './source.ts';
import { ssIdleTimes } from './ss-process.ts';

const { signal } = new AbortController();
const MANY = 1_000;

function connectionsOf(held: HeldConnections, idleTimes?: IdleTimes) {
  const runtime = { processIds: async () => [held.processId] };
  const source = procConnections({
    procRoot: '/proc',
    clock: systemClock(),
    runtime,
    idleTimes,
    onIdleTimesFailed: error => {
      throw error;
    },
  });
  const query = {
    podUid: 'uid-1',
    addresses: [held.address],
    ports: [held.port],
    withIdleTimes: idleTimes !== undefined,
  };
  return () => source.read(query, signal);
}

async function expectCountsToFollow(held: HeldConnections): Promise<void> {
  const read = connectionsOf(held);
  expect(await read()).toEqual([]);
  await held.open('answered', 3);
  await held.open('asking', 1);
  expect((await read()).map(({ state }) => state)).toEqual(Array(4).fill('ESTABLISHED'));
  await held.closeAll();
  expect(await read()).toEqual([]);
}

describe('real connections are counted as they come and go', () => {
  test('on the loopback', async () => {
    await using held = await holdConnections();
    await expectCountsToFollow(held);
  });

  test.for(['10.77.0.5', 'fd77::5'])('at %s in a network namespace', async (address, { skip }) => {
    const missing = missingForNamespace();
    if (missing) return skip(missing);
    await using held = await holdConnections({ address });
    await expectCountsToFollow(held);
  });

  test(`all ${MANY} of them`, async () => {
    await using held = await holdConnections();
    await held.open('unused', MANY);
    expect(await connectionsOf(held)()).toHaveLength(MANY);
  });
});

test("the kernel's counters change with each connection, and with nothing else", async ({ skip }) => {
  const missing = missingForNamespace();
  if (missing) return skip(missing);
  await using held = await holdConnections({ address: '10.77.0.5' });
  const fingerprint = async () => (await readNamespaceCounters(`/proc/${held.processId}/net`, signal))?.fingerprint;
  const before = await fingerprint();
  expect(before).toBeDefined();
  expect(await fingerprint()).toBe(before);
  await held.open('answered', 1);
  const opened = await fingerprint();
  expect(opened).not.toBe(before);
  await held.closeAll();
  expect(await fingerprint()).not.toBe(opened);
});

test('ss tells idle connections from those with a request in flight', async ({ skip }) => {
  const missing = missingForNamespace();
  if (missing) return skip(missing);
  await using held = await holdConnections({ address: '10.77.0.5' });
  await held.open('answered', 2);
  await held.open('unused', 1);
  await held.open('asking', 2);
  const read = connectionsOf(held, ssIdleTimes({ procRoot: '/proc' }));
  const isIdle = ({ idleMs = 0 }: Connection) => idleMs > 100;
  let connections: readonly Connection[] = [];
  while (connections.filter(isIdle).length < 3) connections = await read();
  expect(connections.filter(connection => !isIdle(connection)).map(({ idleMs }) => idleMs)).toEqual([0, 0]);
});

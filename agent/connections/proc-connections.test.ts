import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Protocol } from '../../common/pod-record.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { procRuntime } from '../runtime/proc-runtime.ts';
import { procConnections } from './proc-connections.ts';

const UID = '11111111-2222-3333-4444-555555555555';
const ROW = '   0: 0500000A:0050 010200C0:C001 01 00000000:00000000 00:00000000 00000000     0        0 4711 1';
const ROW_6 =
  '   0: 0000000000000000FFFF00000500000A:0050 0000000000000000FFFF0000020200C0:C001 08 00000000:00000000 00:00000000 00000000     0        0 4712 1';
const query = { podUid: UID, addresses: ['10.0.0.5'], ports: [{ port: 80, protocol: Protocol.TCP }] };
const { signal } = new AbortController();
let procRoot: string;

beforeEach(async () => {
  procRoot = await mkdtemp(join(tmpdir(), 'clb-direct-proc-'));
});
afterEach(() => rm(procRoot, { recursive: true }));

async function makeProcess(id: number, tables: Record<string, string>): Promise<void> {
  await mkdir(join(procRoot, String(id), 'net'), { recursive: true });
  await writeFile(join(procRoot, String(id), 'cgroup'), `0::/kubepods/burstable/pod${UID}/abc\n`);
  for (const [name, text] of Object.entries(tables)) await writeFile(join(procRoot, String(id), 'net', name), text);
}

function connections() {
  return procConnections({ procRoot, runtime: procRuntime({ procRoot, clock: new VirtualClock() }) });
}

test('both socket tables of the namespace are read', async () => {
  await makeProcess(100, { tcp: ROW, tcp6: ROW_6 });
  expect(await connections().read(query, signal)).toMatchObject([
    { remoteAddress: '192.0.2.1', state: 'ESTABLISHED' },
    { remoteAddress: '192.0.2.2', state: 'CLOSE_WAIT' },
  ]);
});

test('a kernel without IPv6 is no failure', async () => {
  await makeProcess(100, { tcp: ROW });
  expect(await connections().read(query, signal)).toHaveLength(1);
});

test('another process of the Pod stands in for one that ended', async () => {
  await makeProcess(100, {});
  await makeProcess(101, { tcp: ROW });
  expect(await connections().read(query, signal)).toHaveLength(1);
});

test('a Pod without processes is unreadable, not empty', async () => {
  await expect(connections().read(query, signal)).rejects.toThrow(`Pod ${UID} has no process`);
});

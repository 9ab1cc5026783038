import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../common/virtual-clock.ts';
import type { IdleTimes } from './idle-times.ts';
import { procConnections } from './proc-connections.ts';
import { connectionKey } from './source.ts';

const ROW = '   0: 0500000A:0050 010200C0:C001 01 00000000:00000000 00:00000000 00000000     0        0 4711 1\n';
const ROW_6 =
  '   0: 0000000000000000FFFF00000500000A:0050 0000000000000000FFFF0000020200C0:C001 08 00000000:00000000 00:00000000 00000000     0        0 4712 1\n';
const query = { podUid: 'uid-1', addresses: ['10.0.0.5'], ports: [80], withIdleTimes: false };
const { signal } = new AbortController();
let procRoot: string;
let clock: VirtualClock;
let processIds: number[];

beforeEach(async () => {
  procRoot = await mkdtemp(join(tmpdir(), 'clb-direct-proc-'));
  clock = new VirtualClock();
  processIds = [100];
});
afterEach(() => rm(procRoot, { recursive: true }));

async function makeProcess(id: number, files: Record<string, string>): Promise<void> {
  await mkdir(join(procRoot, String(id), 'net'), { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(procRoot, String(id), 'net', name), text);
}

/** What the kernel counts in a namespace with so many sockets. */
function counters({ accepted = 1, inUse = 2, inUse6 = 2 } = {}): Record<string, string> {
  return {
    snmp: `Ip: Forwarding\nIp: 1\nTcp: RtoMin ActiveOpens PassiveOpens CurrEstab\nTcp: 200 0 ${accepted} 1\nUdp: InDatagrams\n`,
    sockstat: `sockets: used 9\nTCP: inuse ${inUse} orphan 0 tw 5 alloc 3 mem 1\n`,
    sockstat6: `TCP6: inuse ${inUse6}\n`,
  };
}

function connections(idleTimes?: IdleTimes) {
  const runtime = { processIds: async () => processIds };
  return procConnections({ procRoot, clock, runtime, idleTimes, onIdleTimesFailed: () => {} });
}

describe('the connections of a Pod', () => {
  test('are read from both socket tables of its namespace', async () => {
    await makeProcess(100, { tcp: ROW, tcp6: ROW_6 });
    expect(await connections().read(query, signal)).toEqual([
      { localPort: 80, remoteAddress: '192.0.2.1', remotePort: 49_153, state: 'ESTABLISHED', inode: 4711 },
      { localPort: 80, remoteAddress: '192.0.2.2', remotePort: 49_153, state: 'CLOSE_WAIT', inode: 4712 },
    ]);
  });

  test('are read on a kernel without IPv6 too', async () => {
    await makeProcess(100, { tcp: ROW });
    expect(await connections().read(query, signal)).toHaveLength(1);
  });

  test.each([
    ['another address', { addresses: ['10.0.0.6'] }],
    ['other ports', { ports: [443, 8080] }],
    ['no port at all', { ports: [] }],
  ])('are none where it is asked for %s', async (_, other) => {
    await makeProcess(100, { tcp: ROW });
    expect(await connections().read({ ...query, ...other }, signal)).toEqual([]);
  });

  test.each(['0A', '06', '07'])('are not sockets in state %s', async state => {
    await makeProcess(100, { tcp: ROW.replace(' 01 ', ` ${state} `) });
    expect(await connections().read(query, signal)).toEqual([]);
  });

  test('are read through another of its processes when one has ended', async () => {
    processIds = [100, 101];
    await makeProcess(100, {});
    await makeProcess(101, { tcp: ROW });
    expect(await connections().read(query, signal)).toHaveLength(1);
  });

  test('are unreadable, not none, when it has no process', async () => {
    processIds = [];
    await expect(connections().read(query, signal)).rejects.toThrow('Pod uid-1 has no process');
  });
});

describe('the socket tables are left alone', () => {
  test('of a family that has no socket in the namespace', async () => {
    await makeProcess(100, { ...counters({ inUse: 0 }), tcp: ROW, tcp6: ROW_6 });
    expect(await connections().read(query, signal)).toMatchObject([{ inode: 4712 }]);
  });

  test('while the kernel counts no connection that came or went', async () => {
    await makeProcess(100, { ...counters(), tcp: ROW });
    const source = connections();
    const first = await source.read(query, signal);
    await makeProcess(100, { tcp: '' });
    expect(await source.read(query, signal)).toEqual(first);
  });

  test.each([
    ['a connection was accepted', { accepted: 2 }],
    ['a socket is gone', { inUse: 1 }],
    ['an IPv6 socket is gone', { inUse6: 1 }],
  ])('but not when %s', async (_, change) => {
    await makeProcess(100, { ...counters(), tcp: ROW });
    const source = connections();
    await source.read(query, signal);
    await makeProcess(100, { ...counters(change), tcp: '' });
    expect(await source.read(query, signal)).toEqual([]);
  });

  test('but not for more than 2 s', async () => {
    await makeProcess(100, { ...counters(), tcp: ROW });
    const source = connections();
    await source.read(query, signal);
    await makeProcess(100, { tcp: '' });
    await clock.advance(2_000);
    expect(await source.read(query, signal)).toEqual([]);
  });

  test('but not for other ports', async () => {
    await makeProcess(100, { ...counters(), tcp: ROW });
    const source = connections();
    await source.read({ ...query, ports: [443] }, signal);
    expect(await source.read(query, signal)).toHaveLength(1);
  });
});

describe('idle times', () => {
  const key = connectionKey({ localPort: 80, remoteAddress: '192.0.2.1', remotePort: 49_153 });

  test('are told with the connections when asked for', async () => {
    await makeProcess(100, { tcp: ROW });
    const source = connections({ read: async () => new Map([[key, 7_000]]) });
    expect((await source.read(query, signal))[0]?.idleMs).toBeUndefined();
    expect((await source.read({ ...query, withIdleTimes: true }, signal))[0]?.idleMs).toBe(7_000);
  });

  test('that cannot be read do not make the connections unreadable', async () => {
    await makeProcess(100, { tcp: ROW });
    const source = connections({ read: () => Promise.reject(new Error('no ss')) });
    expect(await source.read({ ...query, withIdleTimes: true }, signal)).toMatchObject([{ inode: 4711 }]);
  });
});

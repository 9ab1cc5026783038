import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AgentChannel, ReportConnector } from '../../common/report-transport.ts';
import type { ReportRequest, ReportResponse } from '../../proto/gen/clbdirect/v1/report.ts';
import { ACK, type Call, startCoordinator, type TestCoordinator } from './coordinator.fixture.ts';
import { grpcReportConnector } from './grpc-connector.ts';

const HEARTBEAT: ReportRequest = { message: { $case: 'heartbeat', value: { blind: false } } };
const signal = new AbortController().signal;

let folder: string;
let coordinator: TestCoordinator;
let onCall: (call: Call) => void;
let open: AgentChannel[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clb-direct-grpc-'));
  [open, onCall] = [[], () => {}];
  await writeFile(join(folder, 'token'), 'token-1\n');
  coordinator = await startCoordinator({ folder, onCall: call => onCall(call) });
});
afterEach(async () => {
  for (const channel of open) channel.close();
  coordinator.stop();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true });
});

function connector(host = '127.0.0.1'): ReportConnector {
  return grpcReportConnector({
    host,
    port: coordinator.port,
    certificateAuthorityFile: join(folder, 'ca.crt'),
    tokenFile: join(folder, 'token'),
  });
}

async function connect(address = `127.0.0.1:${coordinator.port}`): Promise<AgentChannel> {
  const channel = await connector().connect(address, signal);
  open.push(channel);
  return channel;
}

async function firstOf(channel: AgentChannel): Promise<ReportResponse | undefined> {
  for await (const response of channel.received()) return response;
  return undefined;
}

describe('a stream', () => {
  test('carries messages both ways, with the token, to a certificate that does not name the address', async () => {
    onCall = call => call.write(ACK);
    const channel = await connect();
    expect(channel.send(HEARTBEAT)).toBe(true);
    expect(await firstOf(channel)).toEqual(ACK);
    expect(coordinator.calls[0]?.metadata.get('authorization')).toEqual(['Bearer token-1']);
    await expect.poll(() => coordinator.calls[0]?.requests).toEqual([HEARTBEAT]);
  });

  test('takes a token that was renewed since the last one', async () => {
    onCall = call => call.write(ACK);
    await firstOf(await connect());
    await writeFile(join(folder, 'token'), 'token-2\n');
    await firstOf(await connect());
    expect(coordinator.calls.map(({ metadata }) => metadata.get('authorization')[0])).toEqual([
      'Bearer token-1',
      'Bearer token-2',
    ]);
  });

  test('lives on when its token expires, which the coordinator checks when a stream is opened', async () => {
    onCall = call => call.on('data', () => call.write(ACK));
    const channel = await connect();
    channel.send(HEARTBEAT);
    await firstOf(channel);
    await writeFile(join(folder, 'token'), 'token-2\n');
    channel.send(HEARTBEAT);
    expect(await firstOf(channel)).toEqual(ACK);
    expect(coordinator.calls).toHaveLength(1);
  });

  test('takes an authority that was renewed since the last one', async () => {
    onCall = call => call.write(ACK);
    await firstOf(await connect());
    coordinator.stop();
    coordinator = await startCoordinator({ folder, onCall });
    expect(await firstOf(await connect())).toEqual(ACK);
  });

  test('goes past the proxy that the environment names', async () => {
    let proxied = 0;
    const proxy = createServer(socket => {
      proxied += 1;
      socket.destroy();
    });
    await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve));
    const address = proxy.address();
    const url = `http://127.0.0.1:${address && typeof address === 'object' ? address.port : 0}`;
    for (const name of ['grpc_proxy', 'https_proxy', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY']) vi.stubEnv(name, url);
    onCall = call => call.write(ACK);
    expect(await firstOf(await connect())).toEqual(ACK);
    expect(proxied).toBe(0);
    await new Promise(resolve => proxy.close(resolve));
  });

  test('ends when the coordinator ends it', async () => {
    onCall = call => call.end();
    expect(await firstOf(await connect())).toBeUndefined();
  });

  test('says that its token was not taken', async () => {
    onCall = call => call.emit('error', { code: status.UNAUTHENTICATED, details: 'token has expired' });
    await expect(firstOf(await connect())).rejects.toMatchObject({
      kind: 'unauthenticated',
      message: 'UNAUTHENTICATED: token has expired',
    });
  });

  test('breaks when the coordinator dies, and the process lives on', async () => {
    onCall = call => call.write(ACK);
    const channel = await connect();
    await firstOf(channel);
    coordinator.stop();
    await expect(firstOf(channel)).rejects.toMatchObject({ name: 'ReportChannelError' });
    expect(channel.send(HEARTBEAT)).toBe(true);
    await channel.writable();
  });

  test('is full when the coordinator does not read, and has room again when it does', async () => {
    onCall = call => call.pause();
    const channel = await connect();
    const big: ReportRequest = {
      message: {
        $case: 'hello',
        value: { nodeName: 'n'.repeat(50_000), epoch: 'e', agentVersion: '', startedAtMs: 1 },
      },
    };
    let sent = 1;
    while (channel.send(big) && sent < 1_000) sent += 1;
    expect(sent).toBeLessThan(1_000);
    const writable = channel.writable();
    await expect.poll(() => coordinator.calls.length).toBe(1);
    coordinator.calls[0]?.call.resume();
    await writable;
  });
});

describe('a connection is refused', () => {
  test('by nobody at the address, with the cause', async () => {
    await expect(firstOf(await connect(await freeAddress()))).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('to a certificate of another name', async () => {
    coordinator.stop();
    coordinator = await startCoordinator({ folder, name: 'somebody-else', onCall });
    await expect(firstOf(await connect())).rejects.toMatchObject({ kind: 'unavailable' });
    expect(coordinator.calls).toEqual([]);
  });

  test('without a token, with the file and the flag', async () => {
    await rm(join(folder, 'token'));
    await expect(connect()).rejects.toMatchObject({
      kind: 'unauthenticated',
      message: expect.stringContaining('(--token-file) cannot be read'),
    });
  });
});

describe('the name of the coordinators', () => {
  test('stands for itself when it is an address', async () => {
    expect(await connector('127.0.0.1').resolve(signal)).toEqual([`127.0.0.1:${coordinator.port}`]);
    expect(await connector('::1').resolve(signal)).toEqual([`[::1]:${coordinator.port}`]);
  });

  test('is looked up', async () => {
    expect(await connector('localhost').resolve(signal)).toContain(`127.0.0.1:${coordinator.port}`);
  });

  test('without address is told with its cause', async () => {
    await expect(connector('nobody.invalid').resolve(signal)).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining("the coordinator's name nobody.invalid has no address"),
    });
  });
});

/** Of a port that was free a moment ago. */
async function freeAddress(): Promise<string> {
  const probe = createServer();
  await new Promise<void>(resolve => probe.listen(0, '127.0.0.1', resolve));
  const address = probe.address();
  await new Promise(resolve => probe.close(resolve));
  return `127.0.0.1:${address && typeof address === 'object' ? address.port : 0}`;
}

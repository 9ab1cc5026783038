import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { GrpcRuntimeClient } from '../../../agent/runtime/grpc-runtime-client.ts';
import type { EventStream, RuntimeEvent } from '../../../agent/runtime/runtime-client.ts';
import { ContainerTable } from './container-table.ts';
import { SocketPathTooLongError, serveRuntime } from './grpc-runtime-server.ts';
import { RuntimeService } from './runtime-service.ts';

const { signal } = new AbortController();
let folder: string;
let table: ContainerTable;
let server: AsyncDisposable;
let client: GrpcRuntimeClient;
let events: RuntimeEvent[];
let stop: AbortController;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clb-direct-socket-'));
  table = new ContainerTable();
  server = await serveRuntime(new RuntimeService(table), join(folder, 'r.sock'));
  client = new GrpcRuntimeClient(join(folder, 'r.sock'));
  [events, stop] = [[], new AbortController()];
  start('c1', 'pod-1');
});
afterEach(async () => {
  stop.abort();
  client.close();
  await server[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function start(id: string, podUid: string): void {
  table.started({ id, podUid, podName: 'web-1', namespace: 'default', containerName: 'web', processId: 42 });
}

function subscribe(stream: EventStream): Promise<unknown> {
  return client.subscribe(stream, event => events.push(event), stop.signal).catch(error => error);
}

describe("a node's runtime socket, asked as the agent asks a real one", () => {
  test('says what it is', async () => {
    expect(await client.version(signal)).toMatchObject({ runtimeName: 'containerd' });
  });

  test('lists containers and sandboxes with their Pods, all or those asked for', async () => {
    start('c2', 'pod-2');
    table.exited('c2');
    const all = await client.containers({}, signal);
    expect(all).toMatchObject([
      { id: 'c1', podUid: 'pod-1', name: 'web', hasExited: false },
      { id: 'c2', podUid: 'pod-2', name: 'web', hasExited: true },
    ]);
    expect(await client.containers({ id: 'c2' }, signal)).toEqual([all[1]]);
    expect(await client.sandboxes({ podUid: 'pod-1' }, signal)).toEqual([
      { id: all[0]?.sandboxId, podUid: 'pod-1', isReady: true },
    ]);
    table.removePod('pod-1');
    expect(await client.sandboxes({ podUid: 'pod-1' }, signal)).toEqual([]);
  });

  test('names the processes of containers that live', async () => {
    expect(await client.containerProcessId('c1', signal)).toBe(42);
    table.exited('c1');
    expect(await client.containerProcessId('c1', signal)).toBeUndefined();
    await expect(client.containerProcessId('c9', signal)).rejects.toThrow('NOT_FOUND');
  });

  test('tells what starts and ends', async () => {
    void subscribe('containerd');
    // Nothing tells when a subscription takes effect, so it goes on until one is seen.
    await vi.waitFor(() => {
      start('c2', 'pod-2');
      expect(events).not.toEqual([]);
    });
    events.length = 0;
    table.exited('c1');
    table.exited('c1');
    await vi.waitFor(() => expect(events).toContainEqual({ type: 'exited', containerId: 'c1' }));
    expect(events.filter(({ type }) => type === 'exited')).toHaveLength(1);
  });

  test('has no events of CRI, as containerd 1.6 has none', async () => {
    expect(await subscribe('cri-o')).toMatchObject({ kind: 'unsupported' });
  });

  test('that is gone is unreachable, and found again when it is back', async () => {
    const broken = subscribe('containerd');
    await client.version(signal);
    await server[Symbol.asyncDispose]();
    expect(await broken).toMatchObject({ name: 'RuntimeCallError' });
    await expect(client.version(signal)).rejects.toMatchObject({ kind: 'unreachable' });
    server = await serveRuntime(new RuntimeService(table), join(folder, 'r.sock'));
    await vi.waitFor(() => client.version(signal), { timeout: 5_000 });
  });

  test('is refused where its path is too long for a socket', async () => {
    const path = join(folder, 'r'.repeat(100));
    await expect(serveRuntime(new RuntimeService(table), path)).rejects.toThrow(SocketPathTooLongError);
  });
});

test('of ended containers the last of each name is kept', () => {
  for (const id of ['c2', 'c3', 'c4']) {
    table.exited(id === 'c2' ? 'c1' : `c${Number(id.slice(1)) - 1}`);
    start(id, 'pod-1');
  }
  expect(table.entries().map(({ id }) => id)).toEqual(['c3', 'c4']);
});

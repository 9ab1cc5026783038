import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, ServerCredentials, type ServerWritableStream } from '@grpc/grpc-js';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Envelope, type SubscribeRequest, TaskExit, TaskOOM, TaskStart } from '../../proto/gen/containerd/events.ts';
import { ContainerEventResponse, ContainerEventType, VersionResponse } from '../../proto/gen/cri/api.ts';
import { GrpcRuntimeClient } from './grpc-runtime-client.ts';
import { RuntimeCallError, type RuntimeEvent } from './runtime-client.ts';
import { readContainerdEvent, readCriEvent } from './runtime-events.ts';

const { signal } = new AbortController();
let folder: string;
let server: Server;
let client: GrpcRuntimeClient;
let events: RuntimeEvent[];
let stop: AbortController;
/** What the server answers to every question, whatever it was. */
let reply: Uint8Array;
let subscribers: ServerWritableStream<unknown, Uint8Array>[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clb-direct-socket-'));
  [events, subscribers, reply] = [[], [], new Uint8Array()];
  stop = new AbortController();
  server = new Server();
  const raw = {
    requestDeserialize: (bytes: Buffer) => bytes,
    responseSerialize: (bytes: Uint8Array) => Buffer.from(bytes),
  };
  const both = { ...raw, requestSerialize: (bytes: Buffer) => bytes, responseDeserialize: (bytes: Buffer) => bytes };
  const method = (path: string, responseStream: boolean) => ({ ...both, path, requestStream: false, responseStream });
  const names = ['Version', 'ListPodSandbox', 'ListContainers', 'PodSandboxStatus', 'ContainerStatus'];
  const unary = names.map(name => [name, method(`/runtime.v1.RuntimeService/${name}`, false)]);
  const streams = {
    events: method('/runtime.v1.RuntimeService/GetContainerEvents', true),
    subscribe: method('/containerd.services.events.v1.Events/Subscribe', true),
  };
  const answer = (_: unknown, respond: (error: null, bytes: Uint8Array) => void) => respond(null, reply);
  const subscribe = (call: ServerWritableStream<unknown, Uint8Array>) => void subscribers.push(call);
  server.addService(
    { ...Object.fromEntries(unary), ...streams },
    { ...Object.fromEntries(names.map(name => [name, answer])), events: subscribe, subscribe },
  );
  const path = join(folder, 'r.sock');
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`unix:${path}`, ServerCredentials.createInsecure(), error => (error ? reject(error) : resolve()));
  });
  client = new GrpcRuntimeClient(path);
});
afterEach(async () => {
  stop.abort();
  client.close();
  server.forceShutdown();
  await rm(folder, { recursive: true });
});

/** Resolves with what ended the subscription. */
function subscribe(stream: 'containerd' | 'cri-o'): Promise<unknown> {
  return client.subscribe(stream, event => events.push(event), stop.signal).catch(error => error);
}

const subscribed = () => vi.waitFor(() => expect(subscribers).toHaveLength(1));

function sent(topic: string, value: Uint8Array, namespace = 'k8s.io'): Uint8Array {
  return Envelope.encode({ namespace, topic, event: { typeUrl: '', value } }).finish();
}

const exit = (containerId: string, id: string) => TaskExit.encode({ containerId, id }).finish();

describe("containerd's events", () => {
  test('are told apart, with what is no event skipped', async () => {
    void subscribe('containerd');
    await subscribed();
    const messages = [
      sent('/tasks/start', TaskStart.encode({ containerId: 'c1' }).finish()),
      Buffer.from('no protobuf at all'),
      sent('/tasks/exit', Buffer.from('nor this')),
      sent('/tasks/exit', exit('c1', 'exec-1')),
      sent('/tasks/exit', exit('', '')),
      sent('/tasks/delete', exit('c1', 'c1')),
      sent('/tasks/exit', exit('c1', 'c1'), 'moby'),
      sent('/tasks/oom', TaskOOM.encode({ containerId: 'c1' }).finish()),
      sent('/tasks/exit', exit('c1', 'c1')),
    ];
    for (const message of messages) subscribers[0]?.write(message);
    await vi.waitFor(() => expect(events).toContainEqual({ type: 'exited', containerId: 'c1' }));
    expect(events.map(({ type }) => type)).toEqual([
      'started',
      'malformed',
      'malformed',
      'execExited',
      'malformed',
      'outOfMemory',
      'exited',
    ]);
  });

  test('are asked for by topic and namespace', async () => {
    void subscribe('containerd');
    await subscribed();
    const request = String(subscribers[0]?.request as SubscribeRequest);
    for (const topic of ['start', 'exit', 'oom'])
      expect(request).toContain(`namespace==k8s.io,topic=="/tasks/${topic}"`);
  });
});

test("CRI-O's events are those of CRI: a stop, and a deletion whose stop went to somebody else", async () => {
  void subscribe('cri-o');
  await subscribed();
  for (const containerEventType of Object.values(ContainerEventType)) {
    subscribers[0]?.write(ContainerEventResponse.encode({ containerId: 'c1', containerEventType }).finish());
  }
  await vi.waitFor(() => expect(events).toHaveLength(3));
  expect(events.map(({ type }) => type)).toEqual(['started', 'exited', 'exited']);
});

describe('a call', () => {
  test('that the runtime does not answer ends with its signal', async () => {
    const ended = subscribe('containerd');
    await subscribed();
    stop.abort(new Error('enough'));
    expect(await ended).toMatchObject({ message: 'enough' });
  });

  test('names the socket and the cause when there is none', async () => {
    const nobody = new GrpcRuntimeClient(join(folder, 'nobody.sock'));
    const failure = nobody.version(signal);
    await expect(failure).rejects.toMatchObject({ kind: 'unreachable' });
    await expect(failure).rejects.toThrow(/nobody\.sock.*ENOENT/);
    nobody.close();
  });

  test('ends as an error when the stream ends', async () => {
    const ended = subscribe('containerd');
    await subscribed();
    subscribers[0]?.end();
    expect(await ended).toBeInstanceOf(RuntimeCallError);
  });

  test('is answered, or fails with a typed error, whatever bytes come back', async () => {
    const ask = () =>
      Promise.allSettled([
        client.version(signal),
        client.containers({}, signal),
        client.sandboxes({ podUid: 'u' }, signal),
        client.sandboxProcessId('s', signal),
        client.containerProcessId('c', signal),
      ]);
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async bytes => {
        reply = bytes;
        for (const result of await ask()) {
          if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(RuntimeCallError);
        }
      }),
      { numRuns: 100 },
    );
    reply = VersionResponse.encode({ runtimeName: 'cri-o', runtimeVersion: '1.30' }).finish();
    expect(await client.version(signal)).toEqual({ runtimeName: 'cri-o', runtimeVersion: '1.30' });
  });
});

test('no bytes make the readers of events throw', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 128 }), bytes => {
      readContainerdEvent(Buffer.from(bytes));
      readContainerdEvent(Buffer.from(sent('/tasks/exit', bytes)));
      readCriEvent(Buffer.from(bytes));
    }),
    { numRuns: 2_000 },
  );
});

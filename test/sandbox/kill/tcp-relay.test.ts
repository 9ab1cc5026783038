import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openTcpRelay, type TcpRelay } from './tcp-relay.ts';

let server: Server;
let relay: TcpRelay;
let heard: { readonly dialed: string; readonly text: string }[];
let clients: Socket[];

beforeEach(async () => {
  server = createServer(socket => socket.on('error', () => socket.destroy()).pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  heard = [];
  clients = [];
  relay = await openTcpRelay({
    targetOf: () => ({ host: '127.0.0.1', port }),
    onChunk: (dialed, chunk) => heard.push({ dialed, text: chunk.toString() }),
  });
});

afterEach(async () => {
  for (const client of clients) client.destroy();
  await relay[Symbol.asyncDispose]();
  server.close();
});

async function client(host: string): Promise<Socket> {
  const socket = connect({ host, port: relay.port });
  clients.push(socket);
  await once(socket, 'connect');
  return socket;
}

async function echo(socket: Socket, text: string): Promise<string> {
  socket.write(text);
  const [chunk] = (await once(socket, 'data')) as [Buffer];
  return chunk.toString();
}

test('carries both ways, and tells callers apart by the address they dial', async () => {
  expect(await echo(await client('127.0.0.1'), 'one')).toBe('one');
  expect(await echo(await client('127.9.9.9'), 'two')).toBe('two');
  expect(heard).toEqual([
    { dialed: '127.0.0.1', text: 'one' },
    { dialed: '127.9.9.9', text: 'two' },
  ]);
});

test('refused resets what is open and what comes', async () => {
  const before = await client('127.0.0.1');
  expect(await echo(before, 'one')).toBe('one');
  const broken = once(before, 'error');
  relay.setFate('refused');
  expect(await broken).toMatchObject([{ code: 'ECONNRESET' }]);
  const after = connect({ host: '127.0.0.1', port: relay.port });
  clients.push(after);
  expect(await once(after, 'error')).toMatchObject([{ code: 'ECONNRESET' }]);
});

test('silent keeps connections, and passes what was said when it is open again', async () => {
  const before = await client('127.0.0.1');
  expect(await echo(before, 'one')).toBe('one');
  relay.setFate('silent');
  const during = await client('127.0.0.1');
  const answers: string[] = [];
  for (const socket of [before, during]) socket.on('data', (chunk: Buffer) => answers.push(chunk.toString()));
  before.write('two');
  during.write('three');
  // Two connections that are carried at once have made their way by then.
  const direct = connect({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  clients.push(direct);
  for (const text of ['a', 'b']) expect(await echo(direct, text)).toBe(text);
  expect(answers).toEqual([]);
  relay.setFate('open');
  await expect.poll(() => answers.toSorted()).toEqual(['three', 'two']);
});

test('what is said in silence is told as it is said, and passed on though its caller has gone', async () => {
  const reached: string[] = [];
  server.on('connection', (socket: Socket) => socket.on('data', (chunk: Buffer) => reached.push(chunk.toString())));
  relay.setFate('silent');
  const during = await client('127.0.0.1');
  during.write('one');
  await expect.poll(() => heard).toEqual([{ dialed: '127.0.0.1', text: 'one' }]);
  during.destroy();
  await once(during, 'close');
  expect(reached).toEqual([]);
  relay.setFate('open');
  await expect.poll(() => reached).toEqual(['one']);
});

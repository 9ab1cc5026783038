/**
 * Run by `held-connections-process.ts`, perhaps in a network namespace of its own: a server and its clients in one process. Its
 * arguments are the server's address and, in a namespace, `--own`. Each line on standard input (`open <kind> <count>` or
 * `close`) is answered by one line when it is done; the first line that it writes is the server's port.
 */
import { execFileSync } from 'node:child_process';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { systemClock } from '../../common/clock.ts';

const [address = '127.0.0.1', isOwn] = process.argv.slice(2);
/** How many connections are opened at once, below the length of the accept queue. */
const OPENED_AT_ONCE = 100;
/** More than the kernel's tick, so that it can tell the answer from the question. */
const ANSWER_DELAY_MS = 20;
const QUESTION = 'q';
/** A question that gets no answer. */
const RIDDLE = 'r';

if (isOwn) {
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  execFileSync('ip', ['address', 'add', address, 'dev', 'lo']);
}

const clock = systemClock();
const clients: Socket[] = [];
/** By the client's port: called when the server has heard from it. */
const waiting = new Map<number | undefined, () => void>();
const server = createServer(socket => {
  socket.on('data', data => {
    if (data.toString() === QUESTION) clock.schedule(ANSWER_DELAY_MS, () => socket.write('answer'));
    waiting.get(socket.remotePort)?.();
  });
});
await new Promise<void>(resolve => server.listen(0, '::', resolve));
const { port } = server.address() as AddressInfo;
console.log(port);

for await (const line of createInterface({ input: process.stdin })) {
  const [command, kind = '', count = '0'] = line.split(' ');
  if (command === 'open') await openAll(kind, Number(count));
  else await closeAll();
  console.log('done');
}
process.exit(0);

async function openAll(kind: string, count: number): Promise<void> {
  for (let opened = 0; opened < count; opened += OPENED_AT_ONCE) {
    const batch = Array.from({ length: Math.min(OPENED_AT_ONCE, count - opened) }, () => openOne(kind));
    clients.push(...(await Promise.all(batch)));
  }
}

async function openOne(kind: string): Promise<Socket> {
  const client = connect(port, address);
  await new Promise<void>(resolve => client.once('connect', resolve));
  if (kind === 'unused') return client;
  const heard = new Promise<void>(resolve => waiting.set(client.localPort, resolve));
  const answered = new Promise(resolve => client.once('data', resolve));
  client.write(kind === 'answered' ? QUESTION : RIDDLE);
  await (kind === 'answered' ? answered : heard);
  return client;
}

async function closeAll(): Promise<void> {
  const closing = clients.splice(0).map(client => new Promise(resolve => client.once('close', resolve).end()));
  await Promise.all(closing);
  await new Promise<void>(resolve => {
    const check = () => server.getConnections((_, count) => (count === 0 ? resolve() : setImmediate(check)));
    check();
  });
}

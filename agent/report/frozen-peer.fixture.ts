import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

export interface Forwarder {
  readonly port: number;
  /** Everything stands still, as when the machine behind it is stopped; its kernel goes on to acknowledge segments. */
  freeze(): void;
  thaw(): void;
  stop(): void;
}

const PROGRAM = `
  const net = require('node:net');
  const server = net.createServer(near => {
    const far = net.connect(Number(process.argv[1]), '127.0.0.1');
    for (const socket of [near, far]) socket.on('error', () => {}).on('close', () => (near.destroy(), far.destroy()));
    near.pipe(far).pipe(near);
  });
  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
`;

/** A process of its own that forwards TCP connections to a port of loopback. */
export async function startForwarder(port: number): Promise<Forwarder> {
  const child: ChildProcess = spawn(process.execPath, ['-e', PROGRAM, String(port)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const [listening] = (await once(child, 'message')) as [number];
  return {
    port: listening,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    stop: () => void child.kill('SIGKILL'),
  };
}

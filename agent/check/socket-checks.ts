import { get } from 'node:http';
import { connect, createServer } from 'node:net';
import type { Check } from './check.ts';

/** Somebody answers at a unix socket. */
export function dbusCheck(path: string): Check {
  return {
    name: 'D-Bus',
    without: 'a shutdown of the machine is seen only by the preStop calls it causes',
    remedy: `mount the folder of ${path} from the host, or name the socket with --dbus-socket`,
    look: signal =>
      new Promise((resolve, reject) => {
        const socket = connect({ path, signal });
        socket.once('error', reject).once('connect', () => {
          socket.destroy();
          resolve(`${path} answers`);
        });
      }),
  };
}

/** The agent can listen at the address of an option, or already does. */
export function portCheck(option: string, { host, port }: { readonly host: string; readonly port: number }): Check {
  return {
    name: `port of ${option}`,
    remedy: `free port ${port} of this node, or give the agent another one with ${option}`,
    look: async signal => {
      const cause = await whyTaken(host, port);
      if (cause === undefined) return port === 0 ? 'any free one' : `${port} is free`;
      if (await isAgent(port, signal)) return `${port} is that of the agent that runs here`;
      throw new Error(`${host}:${port} cannot be listened on: ${cause}`);
    },
  };
}

function whyTaken(host: string, port: number): Promise<string | undefined> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** The agent's metrics tell it apart from everything else. */
function isAgent(port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise(resolve => {
    const request = get({ host: '127.0.0.1', port, path: '/metrics', agent: false, signal }, response => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (text.includes('clb_direct_agent_')) resolve(true);
        if (text.length > 65_536) response.destroy();
      });
      response.once('close', () => resolve(false));
    });
    request.once('error', () => resolve(false));
  });
}

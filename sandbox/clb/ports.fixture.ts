import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';

/** Starts the server on a port that the system picks. @returns the port */
export async function listenAt(server: Server, host: string): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A port at which nobody listens. */
export async function freePort(host: string): Promise<number> {
  const server = createServer();
  const port = await listenAt(server, host);
  await new Promise(resolve => server.close(resolve));
  return port;
}

import { createServer } from 'node:net';

/** Whether a process listens on this address of the machine, told by an attempt to listen there too. */
export function isPortTaken(host: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code === 'EADDRINUSE'));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(false)));
  });
}

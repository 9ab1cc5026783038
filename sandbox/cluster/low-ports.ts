import { createServer } from 'node:net';

/** Whether this user may listen on ports under 1024: Services of port 80, and Pods that serve on it, need that. */
export function mayListenOnLowPorts(): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'EACCES'));
    server.listen(80, '127.63.0.1', () => server.close(() => resolve(true)));
  });
}

export const LOW_PORTS_ADVICE =
  'this user may not listen on ports under 1024, and the examples serve on port 80: run as root, or allow it with ' +
  '"sudo sysctl -w net.ipv4.ip_unprivileged_port_start=80"';

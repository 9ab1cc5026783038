import { get } from 'node:http';
import { lost, runSession, type Session, whole } from './session.ts';

const limitMs = 60_000;

/** One GET on a connection of its own, and its whole answer, however long it takes. */
export function responseSession(port: number, path: string): Session {
  return context =>
    runSession(context, limitMs, settle => {
      const { host, clientAddress: localAddress } = context;
      const request = get({ host, port, path, localAddress, agent: false }, response => {
        if (response.statusCode !== 200) settle(lost(`status ${response.statusCode}`));
        response.on('error', error => settle(lost(`the answer breaks off: ${error.message}`)));
        response.on('end', () => settle(response.complete ? whole : lost('the answer breaks off')));
        response.resume();
      });
      request.on('error', error => settle(lost(error.message)));
      return () => request.destroy();
    });
}

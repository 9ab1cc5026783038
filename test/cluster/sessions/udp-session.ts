import { createSocket } from 'node:dgram';
import { every, lost, runSession, type Session, whole } from './session.ts';

const answerLimitMs = 3_000;
const flowIntervalMs = 200;

/** One datagram from a port of its own, and its answer, as in DNS; nothing is repeated. */
export function udpQuestion(port: number): Session {
  return context =>
    runSession(context, answerLimitMs, settle => {
      const socket = createSocket('udp4');
      socket.on('message', () => settle(whole));
      socket.on('error', error => settle(lost(error.message)));
      socket.bind({ address: context.clientAddress }, () => socket.send('question', port, context.host));
      return () => socket.close();
    });
}

/**
 * Five datagrams a second from one port, each of which has to be answered.
 * @param lastsMs after which the client sends no more; Infinity: until the run is over, and what is lost is told then
 * @param movesMax how often it may be moved to another Pod, each time with a datagram under way
 */
export function udpFlow(port: number, lastsMs: number, movesMax: number): Session {
  return async context => {
    const { clock } = context;
    const waiting = new Map<string, number>();
    const endsAt = clock.now() + lastsMs;
    let sent = 0;
    const end = await runSession(context, Infinity, settle => {
      const socket = createSocket('udp4');
      const stop = every(clock, flowIntervalMs, () => {
        if (clock.now() >= endsAt + answerLimitMs || (clock.now() >= endsAt && waiting.size === 0)) settle(whole);
        if (clock.now() >= endsAt) return;
        sent += 1;
        waiting.set(String(sent), clock.wallNow());
        socket.send(String(sent), port, context.host);
      });
      socket.on('message', answer => waiting.delete(answer.toString().split(' ')[1] ?? ''));
      socket.on('error', error => settle(lost(error.message)));
      socket.bind({ address: context.clientAddress });
      return () => {
        stop();
        socket.close();
      };
    });
    // What was sent last may still be answered.
    const unanswered = [...waiting.values()].filter(atMs => atMs <= clock.wallNow() - answerLimitMs);
    return end.kind === 'lost' || unanswered.length <= movesMax ? end : lost(unansweredText(sent, unanswered));
  };
}

function unansweredText(sent: number, unanswered: readonly number[]): string {
  const [from, to] = [Math.min(...unanswered), Math.max(...unanswered)].map(ms =>
    new Date(ms).toISOString().slice(11, 23),
  );
  return `${unanswered.length} of ${sent} datagrams unanswered, sent ${from} to ${to}`;
}

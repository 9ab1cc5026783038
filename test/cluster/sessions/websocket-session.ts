import type { IncomingMessage } from 'node:http';
import { get } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../../../common/clock.ts';
import { every, goodbye, lost, runSession, type Session, type SessionEnd, whole } from './session.ts';
import { closeFrame, FrameReader, normalClosure, textFrame } from './websocket-frames.ts';

const messageIntervalMs = 500;
const answerLimitMs = 5_000;
const closingMs = 5_000;
/** Any 16 bytes do. */
const headers = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
};

/**
 * A WebSocket with a message every half second, each of which has to be echoed.
 * @param lastsMs after which the client closes it; Infinity: never
 */
export function webSocketSession(port: number, lastsMs: number): Session {
  return context =>
    runSession(context, lastsMs + closingMs, settle => {
      const { clock, host, clientAddress: localAddress } = context;
      let end = () => {};
      const request = get({ host, port, path: '/', headers, localAddress, agent: false });
      request.on('upgrade', (_: IncomingMessage, socket: Socket) => {
        end = converse({ clock, socket, lastsMs, settle });
      });
      request.on('response', ({ statusCode }) => settle(lost(`status ${statusCode} in the place of an upgrade`)));
      request.on('error', error => settle(lost(error.message)));
      return () => {
        end();
        request.destroy();
      };
    });
}

interface Conversation {
  readonly clock: Clock;
  readonly socket: Socket;
  readonly lastsMs: number;
  readonly settle: (end: SessionEnd) => void;
}

/** Returns what ends it. */
function converse({ clock, socket, lastsMs, settle }: Conversation): () => void {
  const sentAt: number[] = [];
  const endsAt = clock.now() + lastsMs;
  let isClosing = false;
  const stop = every(clock, messageIntervalMs, () => {
    if (isClosing) return;
    if (clock.now() - (sentAt[0] ?? Infinity) > answerLimitMs) settle(lost(`no answer within ${answerLimitMs} ms`));
    isClosing = clock.now() >= endsAt;
    if (isClosing) socket.write(closeFrame(normalClosure, 'client'));
    else {
      sentAt.push(clock.now());
      socket.write(textFrame(`message ${sentAt.length}`, 'client'));
    }
  });
  const reader = new FrameReader();
  socket.on('data', bytes => {
    for (const frame of reader.feed(bytes)) {
      if (frame.kind === 'text') sentAt.shift();
      else if (isClosing) settle(sentAt.length === 0 ? whole : lost(`closed with ${sentAt.length} unanswered`));
      // What it has not answered, the client says again elsewhere.
      else socket.end(closeFrame(frame.code, 'client'), () => settle(goodbye));
    }
  });
  socket.on('error', error => settle(lost(error.message)));
  socket.on('close', () => settle(lost('ended without the closing of WebSocket')));
  return () => {
    stop();
    socket.destroy();
  };
}

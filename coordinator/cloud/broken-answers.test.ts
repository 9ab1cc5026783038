import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { clbCloud } from './clb-client.ts';
import { staticCredentials } from './credentials.ts';
import { sdkClbTransport } from './sdk-transport.ts';

const never = new AbortController().signal;
const closers: (() => void)[] = [];
const HTML = '<!DOCTYPE html><html><body>502 Bad Gateway</body></html>';
const target = { listenerId: 'lbl-1', locationId: '', address: '10.0.0.1', port: 80, weight: 10, tag: 't' };

afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** `pass` lets so much of the client's time go by. */
type Answer = (response: http.ServerResponse, pass: (durationMs: number) => void) => void;

/** The real carrier before a server on loopback, with deadlines in virtual time; reads are not repeated. */
async function setUp(answer: Answer) {
  const clock = new VirtualClock();
  const closed: Promise<void>[] = [];
  const server = http.createServer((request, response) => {
    request.resume();
    answer(response, durationMs => void clock.advance(durationMs));
  });
  server.on('connection', (socket: Socket) => {
    closed.push(new Promise(resolve => socket.once('close', () => resolve())));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const credentials = staticCredentials({ secretId: 'AKIDexample', secretKey: 'secret' });
  const transport = sdkClbTransport({ region: 'ap-test', endpoint: `http://127.0.0.1:${port}`, credentials });
  closers.push(
    () => server.closeAllConnections(),
    () => server.close(),
    () => transport.close(),
  );
  const cloud = clbCloud({ transport, clock, random: seededRandom(1), limits: { readRetriesMax: 0 } });
  return { cloud, clock, closed };
}

/** Sends `text` byte by byte for ever, and lets the client's deadline pass when it has had some. */
function drip(response: http.ServerResponse, text: string, onPart: () => void): void {
  let sent = 0;
  const next = () => {
    if (response.destroyed) return;
    response.write(text[sent % text.length] ?? ' ');
    sent += 1;
    if (sent === 20) onPart();
    setImmediate(next);
  };
  next();
}

describe('an answer that is no API answer', () => {
  test.each<[string, Answer]>([
    ['an HTML page with status 200', response => response.setHeader('content-type', 'text/html').end(HTML)],
    ['an HTML page with status 502', response => response.writeHead(502).end(HTML)],
    ['half of a JSON text', response => response.end('{"Response": {"RequestId": "r')],
    ['an empty body', response => response.end()],
    ['a redirect to nowhere', response => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end()],
    [
      'a chunked body that is cut off',
      response => {
        response.write('{"Response"', () => response.destroy());
      },
    ],
  ])('%s: at once CD2040, and nobody knows whether the write was done', async (_, answer) => {
    const { cloud, clock } = await setUp(answer);
    const result = await cloud.registerTargets('lb-1', [target], never);
    expect(result).toMatchObject({ ok: false, error: { code: 'CD2040', class: 'retryable', outcomeUnknown: true } });
    expect(clock.now()).toBe(0);
  });
});

describe('an answer that does not come to its end', () => {
  const answers: readonly (readonly [string, (timeoutMs: number) => Answer])[] = [
    ['drips', timeoutMs => (response, pass) => drip(response, '{"Response": {"Message": "', () => pass(timeoutMs))],
    [
      'drips with a length that it never reaches',
      timeoutMs => (response, pass) => {
        response.writeHead(200, { 'content-length': '1000000000' });
        drip(response, '{', () => pass(timeoutMs));
      },
    ],
    ['never begins', timeoutMs => (_response, pass) => pass(timeoutMs)],
    [
      'breaks off before its announced length',
      timeoutMs => (response, pass) => {
        response.writeHead(200, { 'content-length': '100' });
        response.once('close', () => pass(timeoutMs));
        response.write('{"Response"', () => response.destroy());
      },
    ],
  ];

  test.each(answers)('%s: a write ends after 6 s with an unknown outcome, its connection closed', async (_, answer) => {
    const { cloud, closed } = await setUp(answer(6000));
    const result = await cloud.registerTargets('lb-1', [target], never);
    expect(result).toMatchObject({ ok: false, error: { code: 'CD2041', class: 'retryable', outcomeUnknown: true } });
    await Promise.all(closed);
  });

  test.each(answers)('%s: a read ends after 2 s, its connection closed', async (_, answer) => {
    const { cloud, closed } = await setUp(answer(2000));
    const result = await cloud.describeListeners('lb-1', never);
    expect(result).toMatchObject({ ok: false, error: { code: 'CD2041', class: 'retryable', outcomeUnknown: false } });
    await Promise.all(closed);
  });
});

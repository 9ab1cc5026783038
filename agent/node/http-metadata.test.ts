import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { httpMetadata } from './http-metadata.ts';

const { signal } = new AbortController();
let server: Server | undefined;

afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function metadataAt(listener: RequestListener) {
  const listening = createServer(listener);
  server = listening;
  await new Promise<void>(resolve => listening.listen(0, '127.0.0.1', resolve));
  return httpMetadata(`127.0.0.1:${(listening.address() as AddressInfo).port}`);
}

test('status and body are told as they are', async () => {
  const metadata = await metadataAt((request, response) => response.writeHead(404).end(request.url));
  expect(await metadata.get('/a/b', signal)).toEqual({ status: 404, body: '/a/b' });
});

test('a redirect is not followed', async () => {
  let calls = 0;
  const metadata = await metadataAt((_, response) => {
    calls += 1;
    response.writeHead(302, { location: '/other' }).end();
  });
  expect(await metadata.get('/a', signal)).toEqual({ status: 302, body: '' });
  expect(calls).toBe(1);
});

test('an answer without end is cut off', async () => {
  const metadata = await metadataAt((_, response) => {
    const pour = () => {
      while (response.write('x'.repeat(512)));
      response.once('drain', pour);
    };
    pour();
  });
  await expect(metadata.get('/a', signal)).rejects.toThrow('more than 1024 bytes');
});

test('a server that is silent is left when the signal aborts', async () => {
  const asked = Promise.withResolvers<void>();
  const metadata = await metadataAt(() => asked.resolve());
  const stop = new AbortController();
  const answer = metadata.get('/a', stop.signal);
  await asked.promise;
  stop.abort(new Error('enough'));
  await expect(answer).rejects.toThrow('enough');
});

test('an answer that breaks off is an error', async () => {
  const metadata = await metadataAt((_, response) => {
    response.writeHead(200, { 'content-length': '100' }).write('2026');
    response.flushHeaders();
    response.destroy();
  });
  await expect(metadata.get('/a', signal)).rejects.toThrow();
});

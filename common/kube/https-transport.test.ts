import 'reflect-metadata';
import { webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as x509 from '@peculiar/x509';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { KubeConfiguration } from './configuration.ts';
import { httpsKubeTransport } from './https-transport.ts';
import { KubeConnectionError, KubeResponseError, type KubeTransport, type WatchEvent } from './transport.ts';

let pem: { certificate: string; key: string };
let server: Server;
let folder: string;
let configuration: KubeConfiguration;
let transport: KubeTransport;
let answer: (request: IncomingMessage, response: ServerResponse) => void;
const signal = new AbortController().signal;

beforeAll(async () => {
  pem = await selfSigned();
});

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clb-direct-https-'));
  answer = (_request, response) => response.end('{}');
  server = createServer({ cert: pem.certificate, key: pem.key }, (request, response) => answer(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  configuration = { server: `https://127.0.0.1:${port}`, certificateAuthority: pem.certificate };
  transport = httpsKubeTransport(configuration);
});

afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

afterAll(() => x509.cryptoProvider.clear());

describe('a request', () => {
  it('carries method, path, query, body and its content type', async () => {
    let seen: unknown;
    answer = (request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', chunk => chunks.push(chunk));
      request.on('end', () => {
        const { method, url, headers } = request;
        seen = { method, url, type: headers['content-type'], body: JSON.parse(Buffer.concat(chunks).toString()) };
        response.end('{"ok":true}');
      });
    };
    const response = await transport.request(
      {
        method: 'PATCH',
        path: '/api/v1/pods/é',
        query: { fieldManager: 'a b' },
        contentType: 'application/merge-patch+json',
        body: { text: 'ü' },
      },
      signal,
    );
    expect(response).toEqual({ status: 200, body: { ok: true } });
    expect(seen).toEqual({
      method: 'PATCH',
      url: '/api/v1/pods/%C3%A9?fieldManager=a+b',
      type: 'application/merge-patch+json',
      body: { text: 'ü' },
    });
  });

  it('uses one connection for requests that follow each other', async () => {
    const ports = new Set<number | undefined>();
    answer = (request, response) => {
      ports.add(request.socket.remotePort);
      response.end('{}');
    };
    for (let count = 0; count < 3; count++) await transport.request({ method: 'GET', path: '/version' }, signal);
    expect(ports.size).toBe(1);
  });

  it('is asked again when the server had closed the reused connection, if it is a read', async () => {
    let requests = 0;
    answer = (request, response) => {
      requests += 1;
      if (requests === 2) request.socket.destroy();
      else response.end('{}');
    };
    await transport.request({ method: 'GET', path: '/version' }, signal);
    expect(await transport.request({ method: 'GET', path: '/version' }, signal)).toMatchObject({ status: 200 });
    expect(requests).toBe(3);
  });

  it('is not repeated when it is a write, since it may have been done', async () => {
    let requests = 0;
    answer = (request, response) => {
      requests += 1;
      if (requests === 2) request.socket.destroy();
      else response.end('{}');
    };
    await transport.request({ method: 'GET', path: '/version' }, signal);
    const write = transport.request({ method: 'POST', path: '/api/v1/pods', body: {} }, signal);
    await expect(write).rejects.toThrow(KubeConnectionError);
    expect(requests).toBe(2);
  });

  it('resolves with the status of an error, also when the body is plain text', async () => {
    answer = (_request, response) => response.writeHead(429).end('slow down');
    const response = await transport.request({ method: 'GET', path: '/version' }, signal);
    expect(response).toMatchObject({ status: 429, body: { kind: 'Status', message: 'slow down' } });
  });

  it('rejects with KubeConnectionError, naming request and cause, when nobody listens', async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    const response = transport.request({ method: 'GET', path: '/version' }, signal);
    await expect(response).rejects.toThrow(KubeConnectionError);
    await expect(response).rejects.toThrow(/GET \/version: .*ECONNREFUSED/);
  });

  it('rejects with KubeConnectionError when the certificate is not of the given authority', async () => {
    const { server: address } = configuration;
    const stranger = httpsKubeTransport({ server: address });
    await expect(stranger.request({ method: 'GET', path: '/version' }, signal)).rejects.toThrow(/self-signed/);
  });

  it('rejects with the reason of its signal', async () => {
    answer = () => undefined;
    const abort = new AbortController();
    const response = transport.request({ method: 'GET', path: '/version' }, abort.signal);
    await once(server, 'request');
    abort.abort(new Error('deadline'));
    await expect(response).rejects.toThrow('deadline');
  });
});

describe('the bearer token', () => {
  it('is read again from its file when that changed, by content or by a swapped link', async () => {
    const seen: (string | undefined)[] = [];
    answer = (request, response) => {
      seen.push(request.headers.authorization);
      response.end('{}');
    };
    const path = join(folder, 'token');
    await writeFile(path, 'one\n');
    transport = httpsKubeTransport({ ...configuration, bearerToken: { type: 'file', path } });
    await transport.request({ method: 'GET', path: '/version' }, signal);
    await writeFile(join(folder, 'next'), 'two\n');
    await rename(join(folder, 'next'), path);
    await transport.request({ method: 'GET', path: '/version' }, signal);
    expect(seen).toEqual(['Bearer one', 'Bearer two']);
  });

  it('that cannot be read fails the request, naming the file', async () => {
    const path = join(folder, 'missing');
    transport = httpsKubeTransport({ ...configuration, bearerToken: { type: 'file', path } });
    await expect(transport.request({ method: 'GET', path: '/version' }, signal)).rejects.toThrow(path);
  });
});

describe('a watch', () => {
  it('gives events as they come, however they are cut', async () => {
    const text =
      '{"type":"ADDED","object":{"metadata":{"name":"ä"}}}\n{"type":"DELETED","object":{"metadata":{"name":"b"}}}\n';
    const bytes = Buffer.from(text);
    answer = (request, response) => {
      expect(request.url).toBe('/api/v1/pods?resourceVersion=5&watch=true');
      response.write(bytes.subarray(0, 41));
      setImmediate(() => response.end(bytes.subarray(41)));
    };
    const events: WatchEvent[] = [];
    for await (const event of openWatch()) events.push(event);
    expect(events.map(event => event.type)).toEqual(['ADDED', 'DELETED']);
    expect(events[0]).toMatchObject({ object: { metadata: { name: 'ä' } } });
  });

  it('tells that it was accepted before anything has happened, and of a refusal nothing', async () => {
    let ended: ServerResponse | undefined;
    answer = (_request, response) => {
      ended = response;
      response.flushHeaders();
    };
    const opened = Promise.withResolvers<void>();
    const read = firstOf(openWatch(signal, opened.resolve)).catch(() => undefined);
    await opened.promise;
    ended?.end();
    await read;
    answer = (_request, response) => response.writeHead(410).end('{}');
    let isOpened = false;
    await firstOf(openWatch(signal, () => (isOpened = true))).catch(() => undefined);
    expect(isOpened).toBe(false);
  });

  it('rejects with the status when it is refused', async () => {
    answer = (_request, response) => response.writeHead(410).end('{"kind":"Status","reason":"Expired","code":410}');
    const error = await firstOf(openWatch()).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(KubeResponseError);
    expect(error).toMatchObject({ status: 410, reason: 'Expired' });
  });

  it('rejects with KubeConnectionError when the stream breaks', async () => {
    answer = (request, response) => {
      response.write('{"type":"ADDED"');
      setImmediate(() => request.socket.destroy());
    };
    await expect(firstOf(openWatch())).rejects.toThrow(KubeConnectionError);
  });

  it('rejects with KubeConnectionError when the server ends it within an event', async () => {
    answer = (_request, response) => response.end('{"type":"ADDED"');
    await expect(firstOf(openWatch())).rejects.toThrow(/ended within an event/);
  });

  it('closes its connection when it is left', async () => {
    let closed: Promise<unknown> | undefined;
    answer = (request, response) => {
      closed = once(request.socket, 'close');
      response.write('{"type":"BOOKMARK","object":{"metadata":{}}}\n');
    };
    for await (const _event of openWatch()) break;
    await expect(closed).resolves.toBeDefined();
  });

  it('rejects with the reason of its signal, and closes its connection', async () => {
    let closed: Promise<unknown> | undefined;
    answer = (request, response) => {
      closed = once(request.socket, 'close');
      response.write('{"type":"BOOKMARK","object":{"metadata":{}}}\n');
    };
    const abort = new AbortController();
    const read = async () => {
      for await (const _event of openWatch(abort.signal)) abort.abort(new Error('stop'));
    };
    await expect(read()).rejects.toThrow('stop');
    await expect(closed).resolves.toBeDefined();
  });
});

it('refuses a server that is not reached by https', () => {
  expect(() => httpsKubeTransport({ server: 'http://127.0.0.1:8080' })).toThrow(/must be an https/);
});

function openWatch(watchSignal: AbortSignal = signal, onOpened?: () => void): AsyncIterable<WatchEvent> {
  const request = { method: 'GET', path: '/api/v1/pods', query: { resourceVersion: '5' } } as const;
  return transport.watch(request, watchSignal, onOpened);
}

async function firstOf(events: AsyncIterable<WatchEvent>): Promise<WatchEvent | undefined> {
  for await (const event of events) return event;
  return undefined;
}

async function selfSigned(): Promise<{ certificate: string; key: string }> {
  const crypto = webcrypto;
  x509.cryptoProvider.set(crypto);
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
  const keys = (await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=test',
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date('2020-01-01'),
    notAfter: new Date('2100-01-01'),
    extensions: [
      new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }]),
      new x509.BasicConstraintsExtension(true),
    ],
  });
  const key = await crypto.subtle.exportKey('pkcs8', keys.privateKey);
  return { certificate: certificate.toString('pem'), key: x509.PemConverter.encode(key, 'PRIVATE KEY') };
}

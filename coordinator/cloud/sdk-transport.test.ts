import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { type CredentialSource, staticCredentials } from './credentials.ts';
import { parseEndpoint, type SdkClbTransport, sdkClbTransport } from './sdk-transport.ts';
import { ClbApiError, ClbConnectionError } from './transport.ts';

const never = new AbortController().signal;
const KEY = { secretId: 'AKIDexample', secretKey: 'secret', token: 'session' };
const closers: (() => void)[] = [];

afterEach(() => {
  for (const close of closers.splice(0)) close();
  vi.unstubAllEnvs();
});

type Answer = (request: http.IncomingMessage, body: string, response: http.ServerResponse) => void;

/** A server on loopback and a transport that speaks to it. */
async function setUp(answer: Answer, credentials: CredentialSource = staticCredentials(KEY)): Promise<SdkClbTransport> {
  const server = http.createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    answer(request, Buffer.concat(parts).toString(), response);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const transport = sdkClbTransport({ region: 'ap-test', endpoint: `http://127.0.0.1:${port}`, credentials });
  closers.push(
    () => server.closeAllConnections(),
    () => server.close(),
    () => transport.close(),
  );
  return transport;
}

const reply = (response: http.ServerResponse, inside: object) =>
  response.end(JSON.stringify({ Response: { RequestId: 'request-1', ...inside } }));

describe('sdkClbTransport', () => {
  test('sends action, region, token and a signed JSON body, and resolves with the inside of Response', async () => {
    const seen: { headers: http.IncomingHttpHeaders; body: string }[] = [];
    const transport = await setUp((request, body, response) => {
      seen.push({ headers: request.headers, body });
      reply(response, { Listeners: null });
    });
    const value = await transport.call('DescribeTargets', { LoadBalancerId: 'lb-1' }, never);
    expect(value).toEqual({ RequestId: 'request-1', Listeners: null });
    expect(JSON.parse(seen[0]?.body ?? '')).toEqual({ LoadBalancerId: 'lb-1' });
    expect(seen[0]?.headers).toMatchObject({
      'x-tc-action': 'DescribeTargets',
      'x-tc-version': '2018-03-17',
      'x-tc-region': 'ap-test',
      'x-tc-token': 'session',
      authorization: expect.stringMatching(/^TC3-HMAC-SHA256 Credential=AKIDexample\//),
    });
  });

  test('keeps one connection for calls after one another', async () => {
    const ports = new Set<number | undefined>();
    const transport = await setUp((request, _, response) => {
      ports.add(request.socket.remotePort);
      reply(response, {});
    });
    for (let call = 0; call < 3; call += 1) await transport.call('DescribeQuota', {}, never);
    expect(ports.size).toBe(1);
  });

  test('does not use a proxy of the environment', async () => {
    vi.stubEnv('http_proxy', 'http://127.0.0.1:1');
    vi.stubEnv('https_proxy', 'http://127.0.0.1:1');
    const transport = await setUp((_, _body, response) => reply(response, {}));
    expect(await transport.call('DescribeQuota', {}, never)).toEqual({ RequestId: 'request-1' });
  });

  test('an answer of CLB with an error keeps its code, message and request id', async () => {
    const transport = await setUp((_, _body, response) =>
      reply(response, { Error: { Code: 'LimitExceeded', Message: 'too many' } }),
    );
    const error = await transport.call('CreateListener', {}, never).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ClbApiError);
    expect(error).toMatchObject({ action: 'CreateListener', code: 'LimitExceeded', requestId: 'request-1' });
    expect(error).toHaveProperty('message', 'CreateListener: LimitExceeded: too many');
  });

  test.each<[string, Answer, RegExp]>([
    ['another status', (_, _body, response) => response.writeHead(502).end('bad gateway'), /HTTP status 502/],
    ['no JSON', (_, _body, response) => response.end('<html>'), /no API answer/],
    ['JSON without Response', (_, _body, response) => response.end('{}'), /no API answer/],
    ['an empty Response', (_, _body, response) => response.end('{"Response":[]}'), /no Response/],
    ['a cut connection', request => request.socket.destroy(), /socket hang up/],
  ])('%s means that it is not known what happened', async (_, answer, text) => {
    const transport = await setUp(answer);
    const error = await transport.call('BatchRegisterTargets', {}, never).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ClbConnectionError);
    expect((error as Error).message).toMatch(text);
  });

  test('nobody listening is told with the address', async () => {
    const credentials = staticCredentials(KEY);
    const transport = sdkClbTransport({ region: 'ap-test', endpoint: 'http://127.0.0.1:1', credentials });
    await expect(transport.call('DescribeQuota', {}, never)).rejects.toThrow(/ECONNREFUSED 127\.0\.0\.1:1/);
  });

  test("an abort ends the call with the signal's reason", async () => {
    const controller = new AbortController();
    const transport = await setUp(() => controller.abort(new Error('lease lost')));
    await expect(transport.call('DescribeQuota', {}, controller.signal)).rejects.toThrow('lease lost');
  });

  test('an answer that breaks off, which the SDK does not notice, ends with the signal', async () => {
    const controller = new AbortController();
    const transport = await setUp((_, _body, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.once('close', () => controller.abort(new Error('too late')));
      response.write('{"Response"', () => response.destroy());
    });
    await expect(transport.call('DescribeQuota', {}, controller.signal)).rejects.toThrow('too late');
  });

  test('asks for a new key after CLB refused the one it had', async () => {
    const renew = vi.fn();
    const transport = await setUp(
      (_, _body, response) => reply(response, { Error: { Code: 'AuthFailure.TokenFailure', Message: 'expired' } }),
      { origin: 'test', get: async () => KEY, renew },
    );
    await expect(transport.call('DescribeQuota', {}, never)).rejects.toThrow(ClbApiError);
    expect(renew).toHaveBeenCalledOnce();
  });
});

describe('parseEndpoint', () => {
  test.each([
    ['https://clb.tencentcloudapi.com', { protocol: 'https://', host: 'clb.tencentcloudapi.com' }],
    ['http://127.0.0.1:8080', { protocol: 'http://', host: '127.0.0.1:8080' }],
  ])('takes %s', (endpoint, expected) => expect(parseEndpoint(endpoint)).toEqual(expected));

  test.each(['clb.tencentcloudapi.com', 'ftp://clb', 'https://clb/path', 'https://', 'http://a b'])(
    'refuses "%s" by name',
    endpoint => expect(() => parseEndpoint(endpoint)).toThrow(`"${endpoint}"`),
  );
});

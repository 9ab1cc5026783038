import { request as httpsRequest } from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { seededRandom } from '../../../common/random.ts';
import { CONFIG_MAPS, configMap } from './fixtures.ts';
import { type ServedKubeApi, serveKubeApi } from './https-carrier.ts';
import { KubeApiServer } from './kube-api-server.ts';

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: Record<string, string | string[] | undefined>;
}

let served: ServedKubeApi;
let server: KubeApiServer;
let token: string;

beforeAll(async () => {
  const clock = systemClock();
  server = new KubeApiServer({ clock, random: seededRandom(7) });
  token = server.issueUserToken({ username: 'admin' });
  served = await serveKubeApi({ server, host: '127.0.0.1', port: 0, wallNowMs: clock.wallNow() });
});

afterAll(() => served.close());

function call(
  method: string,
  path: string,
  options: { body?: string; contentType?: string; token?: string | null; onText?: (text: string) => boolean } = {},
): Promise<Answer> {
  const { body, contentType = 'application/json', onText } = options;
  const bearer = options.token === undefined ? token : options.token;
  const headers = { 'content-type': contentType, ...(bearer !== null && { authorization: `Bearer ${bearer}` }) };
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(`${served.url}${path}`, {
      method,
      headers,
      ca: served.caCertificatePem,
      agent: false,
    });
    outgoing.on('error', reject);
    outgoing.on('response', response => {
      let text = '';
      const done = () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers });
      response.on('end', done);
      response.on('data', chunk => {
        text += String(chunk);
        if (!onText?.(text)) return;
        done();
        outgoing.destroy();
      });
    });
    outgoing.end(body);
  });
}

describe('the HTTPS carrier', () => {
  test('serves under its own CA, to those with a token', async () => {
    const created = await call('POST', CONFIG_MAPS, { body: JSON.stringify(configMap('a')) });
    expect(created.status).toBe(201);
    expect((await call('GET', `${CONFIG_MAPS}/a`, { token: 'invented' })).status).toBe(401);
    expect((await call('GET', `${CONFIG_MAPS}/a`, { token: null })).status).toBe(401);
    expect((await call('GET', '/version', { token: null })).status).toBe(200);
  });

  test('streams a watch line by line', async () => {
    await call('POST', CONFIG_MAPS, { body: JSON.stringify(configMap('watched')) });
    const query = 'watch=true&fieldSelector=metadata.name%3Dwatched';
    const { text } = await call('GET', `${CONFIG_MAPS}?${query}`, { onText: seen => seen.includes('\n') });
    expect(JSON.parse(text)).toMatchObject({ type: 'ADDED', object: { metadata: { name: 'watched' } } });
  });

  test('ends a watch that timed out', async () => {
    const { status, text } = await call(
      'GET',
      `${CONFIG_MAPS}?watch=1&timeoutSeconds=1&resourceVersion=1&fieldSelector=metadata.name%3Dnone`,
    );
    expect([status, text]).toEqual([200, '']);
  });

  test('answers a watch that is refused with a status', async () => {
    const { status, text } = await call('GET', `${CONFIG_MAPS}?watch=true&resourceVersion=999999`);
    expect([status, JSON.parse(text).reason]).toEqual([504, 'Timeout']);
  });

  test.each([
    ['a body that is not JSON', 'POST', '{', 'application/json', 400],
    ['protobuf that it cannot read', 'POST', 'k8s\0', 'application/vnd.kubernetes.protobuf', 415],
    ['server-side apply', 'PATCH', 'kind: ConfigMap', 'application/apply-patch+yaml', 415],
    ['a method of no use', 'OPTIONS', '', 'application/json', 405],
    ['a body beyond the limit', 'POST', `"${'x'.repeat(3 * 1024 * 1024)}"`, 'application/json', 413],
  ])('refuses %s', async (_what, method, body, contentType, status) => {
    const path = method === 'PATCH' ? `${CONFIG_MAPS}/a` : CONFIG_MAPS;
    expect((await call(method, path, { body, contentType })).status).toBe(status);
  });
});

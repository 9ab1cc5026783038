import { once } from 'node:events';
import { type RequestOptions, request as sendRequest } from 'node:https';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { silentLogger } from '../../common/logger.ts';
import { type CertificateBundle, servingNames } from './certificate-bundle.ts';
import { BODY_BYTES_MAX, listenForAdmissions, type WebhookListener } from './https-listener.ts';
import { DEFAULT_INJECTION_POLICY } from './inject.ts';
import { UNKNOWN_SURROUNDINGS } from './surroundings.ts';
import { x509Issuer } from './x509-issuer.ts';

const SERVER_NAME = 'clb-direct-webhook.clb-direct.svc';
/** So deep that opening and closing it fills what is read. */
const NESTING = BODY_BYTES_MAX / 2;
const clock = systemClock();
let bundle: CertificateBundle;
let nextBundle: CertificateBundle;
let listener: WebhookListener;
let admissions: string[];

beforeAll(async () => {
  const issuer = x509Issuer();
  const life = { notBeforeMs: clock.wallNow() - 60_000, notAfterMs: clock.wallNow() + 3_600_000 };
  const authority = await issuer.issueAuthority(life);
  const parts = { caPem: authority.certificatePem, caKeyPem: authority.privateKeyPem };
  const names = servingNames('clb-direct');
  bundle = { ...parts, ...(await issuer.issueServing(authority, names, life)) };
  nextBundle = { ...parts, ...(await issuer.issueServing(authority, names, life)) };
});

beforeEach(async () => {
  admissions = [];
  listener = await listenForAdmissions({
    host: '127.0.0.1',
    port: 0,
    certificate: bundle,
    policy: DEFAULT_INJECTION_POLICY,
    surroundingsOf: () => UNKNOWN_SURROUNDINGS,
    clock,
    logger: silentLogger,
    onAdmission: ({ result }, durationMs) => admissions.push(`${result} ${durationMs >= 0}`),
  });
});

afterEach(() => listener.stop(0));

describe('the webhook listener', () => {
  test('answers the API server under the name of its Service', async () => {
    const reply = await post(JSON.stringify(review()));
    expect(reply.status).toBe(200);
    expect(JSON.parse(reply.body)).toMatchObject({ kind: 'AdmissionReview', response: { uid: 'u1', allowed: true } });
    expect(admissions).toEqual(['injected true']);
  });

  test.each([
    ['text that is no JSON', 'junk', 400, 'malformed'],
    ['nothing', '', 400, 'malformed'],
    ['a body at the limit', 'x'.repeat(BODY_BYTES_MAX), 400, 'malformed'],
    ['lists in lists, as deep as fits', `${'['.repeat(NESTING)}${']'.repeat(NESTING)}`, 400, 'malformed'],
    ['a review that breaks off', JSON.stringify(review()).slice(0, -9), 400, 'malformed'],
    ['bytes that are no UTF-8', '\ud800'.repeat(1_000), 400, 'malformed'],
  ])('answers %s with a reason', async (_name, body, status, result) => {
    expect(await post(body)).toMatchObject({ status, body: expect.stringMatching(/AdmissionReview/) });
    expect(admissions).toEqual([`${result} true`]);
  });

  test('takes a Pod of almost three MiB, however deep what it does not read', async () => {
    const deep = `${'['.repeat(NESTING - 1_000)}${']'.repeat(NESTING - 1_000)}`;
    const body = JSON.stringify(review()).replace('"object":{', `"object":{"junk":${deep},`);
    expect((await post(body)).status).toBe(200);
    expect(admissions).toEqual(['injected true']);
  });

  test('serves the next one after a client that vanished in the middle of its review', async () => {
    const socket = connectTls({ host: '127.0.0.1', port: listener.port, ca: bundle.caPem, servername: SERVER_NAME });
    await once(socket, 'secureConnect');
    socket.write('POST /mutate-pods HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n{"kind":');
    socket.destroy();
    await once(socket, 'close');
    expect((await post(JSON.stringify(review()))).status).toBe(200);
    expect(admissions).toEqual(['injected true']);
  });

  test('does not read more than its limit, and serves the next one', async () => {
    expect(await post('x'.repeat(BODY_BYTES_MAX + 1))).toMatchObject({ status: 413 });
    expect((await post(JSON.stringify(review()))).status).toBe(200);
  });

  test.each([
    ['another path', { path: '/' }, 404],
    ['another method', { method: 'GET' }, 405],
  ])('refuses %s', async (_name, options, status) => {
    expect((await post('', options)).status).toBe(status);
  });

  test('shows a new certificate to new connections', async () => {
    const before = await fingerprint();
    listener.replaceCertificate(nextBundle);
    expect(await fingerprint()).not.toBe(before);
    expect((await post(JSON.stringify(review()))).status).toBe(200);
  });

  test('stops though a connection never gets beyond its handshake', async () => {
    const idle = connect(listener.port, '127.0.0.1');
    await once(idle, 'connect');
    await listener.stop(20);
    idle.destroy();
  });
});

function review(): object {
  const object = {
    metadata: { generateName: 'web-', annotations: { 'clb-direct.io/inject': 'true' } },
    spec: { containers: [{ name: 'web', image: 'nginx' }] },
  };
  const request = { uid: 'u1', kind: { version: 'v1', kind: 'Pod' }, operation: 'CREATE', object };
  return { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request };
}

function post(body: string, options: RequestOptions = {}): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const target = { host: '127.0.0.1', port: listener.port, ca: bundle.caPem, servername: SERVER_NAME, agent: false };
    const request = sendRequest({ ...target, method: 'POST', path: '/mutate-pods?timeout=3s', ...options });
    let answered = false;
    request.on('response', async response => {
      answered = true;
      const chunks: Buffer[] = [];
      for await (const chunk of response) chunks.push(chunk);
      resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
    });
    // A server that refuses a large body may close before all of it is sent.
    request.on('error', error => answered || reject(error));
    request.end(body);
  });
}

async function fingerprint(): Promise<string> {
  const socket = connectTls({ host: '127.0.0.1', port: listener.port, ca: bundle.caPem, servername: SERVER_NAME });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  socket.destroy();
  return fingerprint256;
}

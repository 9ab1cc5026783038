import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { createServerCertificate, type ServerCertificate } from './certificates.ts';
import { httpsAdmissionCaller } from './https-admission.ts';
import type { AdmissionTarget } from './webhook-target.ts';

let certificate: ServerCertificate;
let server: Server;
let answer: { status: number; text: string };
let seen: { host: string | undefined; url: string | undefined; body: string } | undefined;

beforeAll(async () => {
  certificate = await createServerCertificate({
    commonName: 'kube-apiserver',
    addresses: [],
    names: ['hook.kube-system.svc'],
    wallNowMs: systemClock().wallNow(),
  });
  server = createServer(
    { cert: certificate.certificatePem, key: certificate.privateKeyPem },
    async (incoming, outgoing) => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming) chunks.push(chunk as Buffer);
      seen = { host: incoming.headers.host, url: incoming.url, body: Buffer.concat(chunks).toString() };
      outgoing.writeHead(answer.status).end(answer.text);
    },
  );
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
});

afterAll(() => server.close());

function target(fields: Partial<AdmissionTarget> = {}): AdmissionTarget {
  const { port } = server.address() as AddressInfo;
  return {
    webhook: 'pods.example.com',
    url: `https://127.0.0.1:${port}/mutate?timeout=5s`,
    serverName: 'hook.kube-system.svc',
    caBundle: Buffer.from(certificate.caCertificatePem).toString('base64'),
    ...fields,
  };
}

const review = { kind: 'AdmissionReview', request: { uid: '1' } };
const call = (fields: Partial<AdmissionTarget> = {}, signal = AbortSignal.any([])) =>
  httpsAdmissionCaller()(target(fields), review, signal);

describe('a webhook over HTTPS', () => {
  test('gets the review under the name of its Service', async () => {
    answer = { status: 200, text: '{"response":{"uid":"1","allowed":true}}' };
    expect(await call()).toEqual({ response: { uid: '1', allowed: true } });
    expect(seen).toEqual({ host: 'hook.kube-system.svc', url: '/mutate?timeout=5s', body: JSON.stringify(review) });
  });

  test('is not trusted without its CA, or under another name', async () => {
    answer = { status: 200, text: '{}' };
    await expect(call({ caBundle: undefined })).rejects.toThrow(/certificate/);
    await expect(call({ serverName: 'other.kube-system.svc' })).rejects.toThrow(/does not match certificate/);
  });

  test('that answers with an error, or not in JSON, is reported with its address', async () => {
    answer = { status: 503, text: 'busy' };
    await expect(call()).rejects.toThrow(
      /^Post "https:\/\/127\.0\.0\.1:\d+\/mutate\?timeout=5s": the webhook answered with status 503: busy$/,
    );
    answer = { status: 200, text: 'hello' };
    await expect(call()).rejects.toThrow('the answer is not JSON');
  });

  test('is given up with the reason of the signal', async () => {
    const controller = new AbortController();
    controller.abort(new Error('too late'));
    await expect(call({}, controller.signal)).rejects.toThrow('too late');
  });
});

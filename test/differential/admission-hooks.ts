/** Webhooks of all manners, which the servers that are compared call over HTTPS. */
import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../common/clock.ts';
import { createServerCertificate } from '../../sandbox/kube/api/certificates.ts';

export interface AdmissionHooks extends AsyncDisposable {
  /** `https://127.0.0.1:PORT`; a path of it is a manner. */
  readonly url: string;
  /** As a webhook configuration has it. */
  readonly caBundle: string;
}

interface Review {
  readonly request: { readonly uid: string; readonly object: { readonly data?: object } };
}

type Answer = Readonly<Record<string, unknown>>;

const patchOf = (operations: readonly object[]) => ({
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
});

/** What each manner answers; `undefined`: nothing, ever. */
const manners: Readonly<Record<string, (review: Review) => Answer | undefined>> = {
  '/patches': ({ request }) => ({
    uid: request.uid,
    allowed: true,
    ...patchOf([{ op: 'add', path: '/data', value: { ...request.object.data, hooked: 'yes' } }]),
  }),
  '/refuses': ({ request }) => ({
    uid: request.uid,
    allowed: false,
    status: { code: 422, reason: 'Invalid', message: 'not like this' },
  }),
  '/refuses-silently': ({ request }) => ({ uid: request.uid, allowed: false }),
  '/breaks': ({ request }) => ({ uid: request.uid, allowed: true, ...patchOf([{ op: 'remove', path: '/none' }]) }),
  '/of-another': () => ({ uid: 'another', allowed: true }),
  '/hangs': () => undefined,
};

export async function startAdmissionHooks(clock: Clock): Promise<AdmissionHooks> {
  const address = '127.0.0.1';
  const certificate = await createServerCertificate({
    commonName: 'hooks',
    addresses: [address],
    names: [],
    wallNowMs: clock.wallNow(),
  });
  const server = createServer(
    { cert: certificate.certificatePem, key: certificate.privateKeyPem },
    async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const review = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Review;
      const manner = manners[new URL(request.url ?? '/', 'https://hooks').pathname];
      const answer = manner?.(review);
      if (manner && answer === undefined) return;
      response.writeHead(manner ? 200 : 500, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }));
    },
  );
  server.listen(0, address);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://${address}:${port}`,
    caBundle: Buffer.from(certificate.caCertificatePem).toString('base64'),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

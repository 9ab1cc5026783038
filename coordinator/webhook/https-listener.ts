import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import { stopServer } from '../status/stop-server.ts';
import { type AdmissionAnswer, type AdmissionOptions, reviewPod } from './admission.ts';
import type { ServingCertificate } from './certificate-bundle.ts';
import { WEBHOOK_PATH } from './configuration.ts';

/** The API server takes objects of up to 1.5 MiB and sends each once in a review of a creation. */
export const BODY_BYTES_MAX = 3 * 1024 * 1024;
/** The API server waits 3 s for an answer. */
const REQUEST_TIMEOUT_MS = 5_000;
const TLS_SETTINGS = { minVersion: 'TLSv1.2', handshakeTimeout: REQUEST_TIMEOUT_MS } as const;
const KEEP_ALIVE_MS = 60_000;
const CONNECTIONS_MAX = 256;

export interface WebhookListenerOptions extends AdmissionOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly certificate: ServingCertificate;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onAdmission?: (answer: AdmissionAnswer, durationMs: number) => void;
}

export interface WebhookListener {
  readonly port: number;
  /** For new connections; those that are open go on. */
  replaceCertificate(certificate: ServingCertificate): void;
  /** Answers what has come and takes nothing new; what is left after `graceMs` is cut. */
  stop(graceMs: number): Promise<void>;
}

interface RequestBody {
  readonly bytes: Buffer;
  readonly tooLarge: boolean;
}

/**
 * Serves admission reviews over TLS.
 * @throws Error when the address cannot be bound.
 */
export async function listenForAdmissions(options: WebhookListenerOptions): Promise<WebhookListener> {
  const server = createServer({ ...tlsOptions(options.certificate), ...TLS_SETTINGS }, (request, response) => {
    serve(options, request, response).catch(error => {
      options.logger.debug('admission request broke off', { error });
      response.destroy();
    });
  });
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.headersTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.maxConnections = CONNECTIONS_MAX;
  server.on('tlsClientError', error => options.logger.debug('webhook TLS handshake failed', { error }));
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    replaceCertificate: certificate => server.setSecureContext(tlsOptions(certificate)),
    stop: graceMs => stopServer(server, options.clock, graceMs),
  };
}

async function serve(options: WebhookListenerOptions, request: IncomingMessage, response: ServerResponse) {
  const startedAtMs = options.clock.now();
  const path = (request.url ?? '').split('?', 1)[0];
  if (path !== WEBHOOK_PATH) return answer(response, 404, `only ${WEBHOOK_PATH} is served here`);
  if (request.method !== 'POST') return answer(response, 405, 'POST an AdmissionReview');
  const { bytes, tooLarge } = await readBody(request);
  if (tooLarge)
    return answer(response.setHeader('connection', 'close'), 413, `at most ${BODY_BYTES_MAX} bytes are read`);
  const admission = reviewPod(parse(bytes), options);
  answer(response, admission.status, admission.body);
  options.onAdmission?.(admission, options.clock.now() - startedAtMs);
}

async function readBody(request: IncomingMessage): Promise<RequestBody> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > BODY_BYTES_MAX) return { bytes: Buffer.alloc(0), tooLarge: true };
    chunks.push(chunk);
  }
  return { bytes: Buffer.concat(chunks), tooLarge: false };
}

/** Undefined for what is not JSON: `reviewPod` says so. */
function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

function answer(response: ServerResponse, status: number, body: object | string): void {
  const isText = typeof body === 'string';
  response.writeHead(status, { 'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json' });
  response.end(isText ? `${body}\n` : JSON.stringify(body));
}

function tlsOptions({ certificatePem, privateKeyPem }: ServingCertificate): { cert: string; key: string } {
  return { cert: certificatePem, key: privateKeyPem };
}

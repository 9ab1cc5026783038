import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { JsonObject } from './json.ts';
import type { AdmissionCaller } from './webhook-admission.ts';
import type { AdmissionTarget } from './webhook-target.ts';

/** What an AdmissionReview may weigh coming back. */
const ANSWER_BYTES_MAX = 3 * 1024 * 1024;

/**
 * Calls webhooks over HTTPS, trusting only the `caBundle` of their configuration and only a certificate for the
 * Service's name.
 */
export function httpsAdmissionCaller(): AdmissionCaller {
  return (target, review, signal) =>
    post(target, review, signal).catch(error => {
      if (signal.aborted) throw signal.reason;
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`Post "${target.url}": ${why}`, { cause: error });
    });
}

function post(target: AdmissionTarget, review: JsonObject, signal: AbortSignal): Promise<unknown> {
  const body = Buffer.from(JSON.stringify(review));
  const { hostname, port, pathname, search } = new URL(target.url);
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest({
      method: 'POST',
      host: hostname,
      port: port || 443,
      path: `${pathname}${search}`,
      // An address is no server name in TLS; the certificate is checked against the host then.
      ...(isIP(target.serverName) === 0 && { servername: target.serverName }),
      ...(target.caBundle !== undefined && { ca: Buffer.from(target.caBundle, 'base64') }),
      headers: {
        host: target.serverName,
        'content-type': 'application/json',
        accept: 'application/json',
        'content-length': body.length,
      },
      agent: false,
      signal,
    });
    outgoing.on('error', reject);
    outgoing.on('response', response => {
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('error', reject);
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > ANSWER_BYTES_MAX) outgoing.destroy(new Error(`the answer is larger than ${ANSWER_BYTES_MAX} bytes`));
        else chunks.push(chunk);
      });
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        if (response.statusCode === 200) settle(text, resolve, reject);
        else reject(new Error(`the webhook answered with status ${response.statusCode}: ${text.slice(0, 200)}`));
      });
    });
    outgoing.end(body);
  });
}

function settle(text: string, resolve: (value: unknown) => void, reject: (error: Error) => void): void {
  try {
    resolve(JSON.parse(text));
  } catch (error) {
    reject(new Error('the answer is not JSON', { cause: error }));
  }
}

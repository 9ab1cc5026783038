import { request } from 'node:http';
import type { MetadataAnswer, MetadataSource } from './spot-notice.ts';

/** A time of termination has 19 characters; what is longer is something else. */
const BODY_BYTES_MAX = 1_024;

/**
 * The metadata service at a host, or host and port, over plain HTTP. Follows no redirect and no proxy, and opens a
 * connection of its own for each question.
 */
export function httpMetadata(hostAndPort: string): MetadataSource {
  const origin = new URL(`http://${hostAndPort}`);
  return { get: (path, signal) => get(new URL(path, origin), signal) };
}

function get(url: URL, signal: AbortSignal): Promise<MetadataAnswer> {
  return new Promise((resolve, reject) => {
    const call = request(url, { signal, agent: false, headers: { connection: 'close' } });
    call.once('error', error => reject(signal.aborted ? signal.reason : error));
    call.once('response', response => {
      let body = '';
      response.setEncoding('latin1');
      response.once('error', error => reject(signal.aborted ? signal.reason : error));
      response.once('end', () => resolve({ status: response.statusCode ?? 0, body }));
      response.on('data', (chunk: string) => {
        body += chunk;
        if (body.length <= BODY_BYTES_MAX) return;
        response.destroy(new Error(`${url.host} answered with more than ${BODY_BYTES_MAX} bytes`));
      });
    });
    call.end();
  });
}

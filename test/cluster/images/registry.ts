import { existsSync, statSync } from 'node:fs';
import { blobFile, findManifest, manifestType } from '../../../tools/image/oci-layout.ts';

/** What the registry answers; `file` is sent as the body unless the request was HEAD. */
export interface RegistryResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly file?: string;
  readonly body?: string;
}

/**
 * The read-only part of the OCI distribution API over an image layout: all that containerd asks for when it pulls.
 * Anything else is 404 or 405.
 */
export function answerRegistryRequest(layoutFolder: string, method: string, path: string): RegistryResponse {
  if (method !== 'GET' && method !== 'HEAD') return failure(405, 'UNSUPPORTED', `${method} is not supported`);
  const pathname = path.replace(/\?.*$/, '');
  if (pathname === '/v2/' || pathname === '/v2') return { status: 200, headers: {}, body: '{}' };
  const match = /^\/v2\/([a-z0-9._/-]+)\/(manifests|blobs)\/([\w.:-]+)$/.exec(pathname);
  if (match === null) return failure(404, 'NAME_UNKNOWN', `no such path: ${pathname}`);
  const [, name = '', kind, reference = ''] = match;
  const digest = digestOf(layoutFolder, name, reference);
  if (digest === undefined) return failure(404, 'MANIFEST_UNKNOWN', `no image ${name}:${reference}`);
  const file = blobFile(layoutFolder, digest);
  if (!existsSync(file)) return failure(404, 'BLOB_UNKNOWN', `no content ${digest}`);
  return content(kind === 'manifests' ? manifestType : 'application/octet-stream', digest, file);
}

function digestOf(layoutFolder: string, name: string, reference: string): string | undefined {
  if (/^sha256:[0-9a-f]{64}$/.test(reference)) return reference;
  return findManifest(layoutFolder, `${name}:${reference}`)?.digest;
}

function content(mediaType: string, digest: string, file: string): RegistryResponse {
  const headers = {
    'content-type': mediaType,
    'content-length': String(statSync(file).size),
    'docker-content-digest': digest,
  };
  return { status: 200, headers, file };
}

function failure(status: number, code: string, message: string): RegistryResponse {
  const body = JSON.stringify({ errors: [{ code, message }] });
  return { status, headers: { 'content-type': 'application/json' }, body };
}

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeLayout } from '../../../tools/image/oci-layout.ts';
import { answerRegistryRequest } from './registry.ts';

let folder = '';
const ask = (path: string, method = 'GET') => answerRegistryRequest(join(folder, 'layout'), method, path);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'registry-'));
  mkdirSync(join(folder, 'root'));
  writeFileSync(join(folder, 'root', 'hello'), 'hello');
  const image = { name: 'library/hello:latest', rootFolder: join(folder, 'root'), entrypoint: ['/hello'] };
  await writeLayout(join(folder, 'layout'), [image]);
});

afterAll(() => rmSync(folder, { recursive: true }));

describe('the registry', () => {
  test('says that it speaks the distribution API', () => {
    expect(ask('/v2/').status).toBe(200);
  });

  test('serves a manifest by tag and, with the digest it named, the same one by digest', () => {
    const byTag = ask('/v2/library/hello/manifests/latest?ns=docker.io');
    const byDigest = ask(`/v2/library/hello/manifests/${byTag.headers['docker-content-digest']}`, 'HEAD');
    expect(byTag.status).toBe(200);
    expect(byTag.headers['content-type']).toBe('application/vnd.oci.image.manifest.v1+json');
    expect(byDigest).toEqual(byTag);
  });

  test('serves every blob that the manifest names, with the size it names', () => {
    const { file = '' } = ask('/v2/library/hello/manifests/latest');
    const { config, layers } = JSON.parse(readFileSync(file, 'utf8'));
    for (const { digest, size } of [config, ...layers]) {
      expect(ask(`/v2/library/hello/blobs/${digest}`).headers['content-length']).toBe(String(size));
    }
  });

  test.each([
    ['an unknown image', 'GET', '/v2/library/other/manifests/latest', 404],
    ['an unknown tag', 'GET', '/v2/library/hello/manifests/1.0', 404],
    ['an unknown blob', 'GET', `/v2/library/hello/blobs/sha256:${'0'.repeat(64)}`, 404],
    ['a path out of the layout', 'GET', '/v2/library/../../manifests/../../index.json', 404],
    ['a push', 'POST', '/v2/library/hello/blobs/uploads/', 405],
  ])('refuses %s', (_what, method, path, status) => {
    expect(ask(path, method).status).toBe(status);
  });
});

import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type HealthServer, openHealthServer } from './health-server.ts';

const hasCurl = spawnSync('curl', ['--version']).status === 0;
if (!hasCurl) console.log('skipped: the health socket is asked with curl, as the kubelet will, and there is no curl');

let folder: string;
let path: string;
let server: HealthServer;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clb-direct-health-'));
  path = join(folder, 'health.sock');
  server = await openHealthServer(path);
});
afterEach(async () => {
  await server.close();
  await rm(folder, { recursive: true });
});

/** The status code and the body, as `--fail` would judge them. */
async function ask(what: string): Promise<string> {
  const url = `http://agent/${what}`;
  const { stdout } = await promisify(execFile)('curl', ['-sm2', '-w', '%{http_code}', '--unix-socket', path, url]);
  return stdout;
}

describe.runIf(hasCurl)('the health socket, asked by curl,', () => {
  test('says that a starting agent lives and is not ready', async () => {
    expect(await ask('livez')).toBe('ok\n200');
    expect(await ask('readyz')).toBe('the agent is starting\n503');
  });

  test('says what is missing and what hangs', async () => {
    server.observe(() => ({ missing: ['one', 'other'], stuck: ['part did nothing for 61 s'] }));
    expect(await ask('livez')).toBe('part did nothing for 61 s\n503');
    expect(await ask('readyz')).toBe('one\nother\n503');
  });

  test('says that all is well', async () => {
    server.observe(() => ({ missing: [], stuck: [] }));
    expect(await ask('livez')).toBe('ok\n200');
    expect(await ask('readyz')).toBe('ok\n200');
    expect(await ask('metrics')).toContain('404');
  });
});

test('belongs to its owner alone', async () => {
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test('takes the place of a socket that a killed process left', async () => {
  const left = join(folder, 'left.sock');
  await writeFile(left, '');
  const another = await openHealthServer(left);
  expect((await stat(left)).isSocket()).toBe(true);
  await another.close();
});

test.each([
  ['a path that is too long', `/tmp/${'a'.repeat(120)}`, /: 125 bytes, a socket's path has at most 107/],
  [
    'a folder that is not there',
    '/nonexistent/health.sock',
    /^--health-socket \/nonexistent\/health.sock: .*(ENOENT|EACCES)/,
  ],
])('tells %s', async (_, wrong, message) => {
  await expect(openHealthServer(wrong)).rejects.toThrow(message);
});

import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { compatibilityPage } from '../../tools/compatibility-page.ts';
import { COMPATIBILITY } from './compatibility.ts';

const ROOT = new URL('../../', import.meta.url);

test('docs/compatibility.md is what `npm run compatibility` writes', () => {
  expect(readFileSync(new URL('docs/compatibility.md', ROOT), 'utf8')).toBe(compatibilityPage(COMPATIBILITY));
});

test.each(COMPATIBILITY)('$on $key names a test that there is', ({ test: proof }) => {
  const [path = '', name = ''] = proof.split(' > ');
  const file = new URL(path, ROOT);
  expect(existsSync(file)).toBe(true);
  expect(name).not.toBe('');
  expect(readFileSync(file, 'utf8')).toContain(name);
});

test('what is refused tells what to do instead', () => {
  const silent = COMPATIBILITY.filter(({ status, insteadUse }) => status === 'refused' && insteadUse === undefined);
  expect(silent).toEqual([]);
});

test('nothing stands in the table twice', () => {
  const keys = COMPATIBILITY.map(({ on, key }) => `${on} ${key}`);
  expect(new Set(keys).size).toBe(keys.length);
});

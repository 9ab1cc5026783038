import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { documentedRows, errorRows } from '../../tools/error-table.ts';
import { CLOUD_ERRORS } from './error-catalogue.ts';

test('docs/errors.md tells code, meaning, cause and fix of every error of the cloud, and no others', () => {
  const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
  expect(documentedRows(page, 'CD2')).toEqual(errorRows(CLOUD_ERRORS));
});

test('no code stands for two errors', () => {
  expect(new Set(CLOUD_ERRORS.map(entry => entry.code)).size).toBe(CLOUD_ERRORS.length);
});

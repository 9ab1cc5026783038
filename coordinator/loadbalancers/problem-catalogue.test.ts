import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { documentedRows, errorRows } from '../../tools/error-table.ts';
import { PROBLEMS } from './problem-catalogue.ts';

test.each(['CD1', 'CD3'])(
  'docs/errors.md tells code, meaning, cause and fix of every %s problem, and no others',
  digit => {
    const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');
    expect(documentedRows(page, digit)).toEqual(errorRows(PROBLEMS.filter(({ code }) => code.startsWith(digit))));
  },
);

test('no code stands for two problems', () => {
  expect(new Set(PROBLEMS.map(entry => entry.code)).size).toBe(PROBLEMS.length);
});

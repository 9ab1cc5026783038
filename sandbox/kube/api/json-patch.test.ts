import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from './json.ts';
import { applyJsonPatch } from './json-patch.ts';

const cases: [sentence: string, document: JsonObject, patch: Json, expected: JsonObject][] = [
  ['adds a member', { a: 1 }, [{ op: 'add', path: '/b', value: 2 }], { a: 1, b: 2 }],
  ['inserts into a list', { a: [1, 3] }, [{ op: 'add', path: '/a/1', value: 2 }], { a: [1, 2, 3] }],
  ['appends with "-"', { a: [1] }, [{ op: 'add', path: '/a/-', value: 2 }], { a: [1, 2] }],
  ['removes', { a: 1, b: [1, 2] }, [{ op: 'remove', path: '/b/0' }], { a: 1, b: [2] }],
  ['replaces', { a: [1] }, [{ op: 'replace', path: '/a/0', value: 5 }], { a: [5] }],
  ['moves', { a: 1 }, [{ op: 'move', from: '/a', path: '/b' }], { b: 1 }],
  ['copies', { a: { c: 1 } }, [{ op: 'copy', from: '/a', path: '/b' }], { a: { c: 1 }, b: { c: 1 } }],
  ['unescapes ~1 and ~0', { 'a/b~': 1 }, [{ op: 'replace', path: '/a~1b~0', value: 2 }], { 'a/b~': 2 }],
  [
    'goes on after a test that holds',
    { a: 1 },
    [
      { op: 'test', path: '/a', value: 1 },
      { op: 'remove', path: '/a' },
    ],
    {},
  ],
];

describe('a JSON patch', () => {
  test.each(cases)('%s', (_sentence, document, patch, expected) => {
    expect(applyJsonPatch(document, patch)).toEqual(expected);
  });

  const refused: [sentence: string, patch: Json, status: number][] = [
    ['a test that fails', [{ op: 'test', path: '/a', value: 2 }], 422],
    ['the removal of what is not there', [{ op: 'remove', path: '/b' }], 422],
    ['an index beyond the end', [{ op: 'add', path: '/list/5', value: 1 }], 422],
    ['an unknown operation', [{ op: 'increase', path: '/a' }], 400],
    ['something that is no list', { op: 'add' }, 400],
  ];
  test.each(refused)('is refused for %s', (_sentence, patch, status) => {
    expect(() => applyJsonPatch({ a: 1, list: [] }, patch)).toThrow(expect.objectContaining({ status }));
  });
});

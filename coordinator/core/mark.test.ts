import { expect, test } from 'vitest';
import { formatMark, parseMark } from './mark.ts';

const MARK = { cluster: 'c1', namespace: 'default', name: 'web-1', podUid: 'a-b-c' };

test('a mark is read as it was written', () => {
  expect(formatMark(MARK)).toBe('cd1:c1:default/web-1:a-b-c');
  expect(parseMark(formatMark(MARK), 'c1')).toEqual(MARK);
});

test.each([
  '',
  'cd1:c2:default/web-1:a',
  'cd2:c1:default/web-1:a',
  'cd1:c1:web-1:a',
  'cd1:c1:a/b/c:a',
  'cd1:c1:a/b:',
  'cd1:c1:a/b:c:d',
])('"%s" is not this cluster’s mark', tag => {
  expect(parseMark(tag, 'c1')).toBeUndefined();
});

import { describe, expect, test } from 'vitest';
import { NodeSignKind } from '../../proto/gen/clbdirect/v1/report.ts';
import { isEnding, noticeOf, type SignsBySource, withSigns } from './node-signs.ts';

const { CORDONED, SHUTDOWN, SPOT_TERMINATION, TO_BE_DELETED } = NodeSignKind;

/** Each step: a source, the kinds it tells, and when. */
function noticed(...steps: readonly (readonly [source: string, kinds: readonly NodeSignKind[], wallNowMs: number])[]) {
  const known = steps.reduce<SignsBySource>((signs, [source, kinds, wallNowMs]) => {
    return withSigns(signs, { source, signs: kinds.map(kind => ({ kind, detail: `${wallNowMs}` })), wallNowMs });
  }, new Map());
  return noticeOf(known).signs.map(({ kind, seenAtMs, detail }) => [kind, seenAtMs, detail]);
}

describe('a notice', () => {
  test('holds the signs of every source, in the order of their kinds', () => {
    expect(noticed(['logind', [SHUTDOWN], 1], ['node', [TO_BE_DELETED, CORDONED], 2])).toEqual([
      [CORDONED, 2, '2'],
      [TO_BE_DELETED, 2, '2'],
      [SHUTDOWN, 1, '1'],
    ]);
  });

  test('keeps the moment at which a sign was first seen, with its latest detail', () => {
    expect(noticed(['node', [CORDONED], 1], ['node', [CORDONED, TO_BE_DELETED], 5])).toEqual([
      [CORDONED, 1, '5'],
      [TO_BE_DELETED, 5, '5'],
    ]);
  });

  test('loses a sign only by the word of the source that gave it', () => {
    expect(noticed(['logind', [SHUTDOWN], 1], ['node', [], 2])).toEqual([[SHUTDOWN, 1, '1']]);
    expect(noticed(['logind', [SHUTDOWN], 1], ['logind', [], 2])).toEqual([]);
  });

  test('takes a sign that comes back for a new one', () => {
    expect(noticed(['node', [CORDONED], 1], ['node', [], 2], ['node', [CORDONED], 3])).toEqual([[CORDONED, 3, '3']]);
  });

  test('is limited in signs and in what each says', () => {
    const signs = Array.from({ length: 100 }, () => ({ kind: CORDONED, detail: 'x'.repeat(10_000) }));
    const known = withSigns(new Map(), { source: 'node', signs, wallNowMs: 1 });
    expect(known.get('node')).toHaveLength(16);
    expect(noticeOf(known).signs[0]?.detail).toHaveLength(256);
  });
});

describe('a node', () => {
  const isEndingWith = (kind: NodeSignKind) => isEnding({ signs: [{ kind, detail: '', seenAtMs: 1 }] });

  test.each([SHUTDOWN, SPOT_TERMINATION, TO_BE_DELETED])('ends for certain with sign %i', kind => {
    expect(isEndingWith(kind)).toBe(true);
  });

  test.each([CORDONED, NodeSignKind.DELETION_CANDIDATE, NodeSignKind.OUT_OF_SERVICE, NodeSignKind.NOT_READY])(
    'may well live on with sign %i',
    kind => {
      expect(isEndingWith(kind)).toBe(false);
    },
  );
});

import { describe, expect, test } from 'vitest';
import { POD, SECRET } from './kinds.ts';
import { matcherOf, matchesLabelSelector, parseLabelSelector } from './selectors.ts';

const labels = { app: 'web', tier: 'front', 'example.com/zone': 'a' };

const selectors: [selector: string, matches: boolean][] = [
  ['', true],
  ['app=web', true],
  ['app==web,tier=back', false],
  ['app!=db', true],
  ['missing!=x', true],
  ['tier in (front, back)', true],
  ['tier notin (front)', false],
  ['example.com/zone', true],
  ['!example.com/zone', false],
  ['app in (db,web),!other', true],
];

describe('a label selector', () => {
  test.each(selectors)('"%s" matches: %s', (selector, matches) => {
    expect(parseLabelSelector(selector)(labels)).toBe(matches);
  });

  test('that cannot be parsed is a bad request', () => {
    expect(() => parseLabelSelector('a b c')).toThrow(expect.objectContaining({ status: 400 }));
  });

  test('as an object joins matchLabels and matchExpressions', () => {
    const selector = {
      matchLabels: { app: 'web' },
      matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['back'] }],
    };
    expect(matchesLabelSelector(selector, labels)).toBe(true);
    expect(matchesLabelSelector(selector, { ...labels, tier: 'back' })).toBe(false);
    expect(matchesLabelSelector({}, labels)).toBe(true);
    expect(matchesLabelSelector(undefined, labels)).toBe(false);
  });
});

describe('a field selector', () => {
  const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' }, spec: { nodeName: 'n1' } };

  test('matches by the fields of its kind', () => {
    expect(matcherOf(POD, undefined, 'spec.nodeName=n1,metadata.name!=b')(pod)).toBe(true);
    expect(matcherOf(POD, undefined, 'spec.nodeName=')(pod)).toBe(false);
    expect(matcherOf(POD, undefined, 'status.phase=')(pod)).toBe(true);
  });

  test('is refused for a field that its kind does not offer', () => {
    expect(() => matcherOf(SECRET, undefined, 'spec.nodeName=n1')).toThrow('field label not supported: spec.nodeName');
  });
});

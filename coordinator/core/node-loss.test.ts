import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BURST_WINDOW_MS, isOwnFault, nodeVerdict, type Reach, type SilentNode } from './node-loss.ts';

const IN_VAIN: readonly Reach[] = ['timed-out', 'unreachable'];
const SAYS_NOTHING: readonly Reach[] = ['declined', 'unanswered'];
const node = (overrides: Partial<SilentNode>): SilentNode => ({
  object: 'ready',
  hasSpoken: true,
  tries: [],
  ...overrides,
});

describe('a node whose agent has fallen silent', () => {
  test.each<[string, Partial<SilentNode>]>([
    ['two neighbours reach nothing of it', { tries: [IN_VAIN, IN_VAIN] }],
    ['two do, and a third cannot say', { tries: [IN_VAIN, SAYS_NOTHING, IN_VAIN] }],
    ['it is not ready, and the one neighbour does not reach it', { object: 'not-ready', tries: [IN_VAIN] }],
    ['its object is gone', { object: 'gone' }],
  ])('is lost when %s', (_, overrides) => {
    expect(nodeVerdict(node(overrides))).toBe('lost');
  });

  test.each<[string, readonly (readonly Reach[])[]]>([
    ['connects to it', [IN_VAIN, IN_VAIN, ['timed-out', 'connected']]],
    ['is refused by it', [IN_VAIN, IN_VAIN, ['refused', 'timed-out']]],
  ])('is alive when a neighbour %s, whatever else is said', (_, tries) => {
    for (const object of ['ready', 'not-ready', 'gone', 'unknown'] as const) {
      expect(nodeVerdict(node({ object, tries }))).toBe('alive');
    }
  });

  test.each<[string, Partial<SilentNode>]>([
    ['nobody was asked', {}],
    ['only one neighbour could say', { tries: [IN_VAIN, SAYS_NOTHING] }],
    ['the neighbours have tried but one door', { tries: [IN_VAIN, ['timed-out', 'declined']] }],
    ['it is not ready and nobody was asked', { object: 'not-ready' }],
    ['there was no door to try', { object: 'not-ready', tries: [[], []] }],
  ])('is not judged when %s', (_, overrides) => {
    expect(nodeVerdict(node(overrides))).toBe('undecided');
  });
});

describe('a node that never had an agent', () => {
  test('is not lost for what neighbours do not reach, nor for its missing object alone', () => {
    expect(nodeVerdict(node({ hasSpoken: false, tries: [IN_VAIN, IN_VAIN, IN_VAIN] }))).toBe('undecided');
    expect(nodeVerdict(node({ hasSpoken: false, object: 'gone' }))).toBe('undecided');
  });

  test('is lost when the API server doubts it, too', () => {
    for (const object of ['not-ready', 'gone'] as const) {
      expect(nodeVerdict(node({ hasSpoken: false, object, tries: [IN_VAIN] }))).toBe('lost');
    }
  });
});

test('no answer at all and every answer at once are never a loss (L1)', () => {
  const reach = fc.constantFrom<Reach>('connected', 'refused', 'timed-out', 'unreachable', 'declined', 'unanswered');
  const anyNode = fc.record<SilentNode>({
    object: fc.constantFrom('ready', 'not-ready', 'gone', 'unknown'),
    hasSpoken: fc.boolean(),
    tries: fc.array(fc.array(reach, { maxLength: 2 }), { maxLength: 3 }),
  });
  fc.assert(
    fc.property(anyNode, silent => {
      const reaches = silent.tries.flat();
      const isAnswered = reaches.includes('connected') || reaches.includes('refused');
      const isTried = reaches.includes('timed-out') || reaches.includes('unreachable');
      if (nodeVerdict(silent) !== 'lost') return;
      expect(isAnswered).toBe(false);
      expect(isTried || (silent.object === 'gone' && silent.hasSpoken)).toBe(true);
    }),
  );
});

describe('many nodes that fall silent together', () => {
  test('are our fault or the network’s from the fourth on, or from more than a fifth of all', () => {
    expect(isOwnFault([0, 1, 2], 10)).toBe(false);
    expect(isOwnFault([0, 1, 2, 3], 10)).toBe(true);
    expect(isOwnFault(Array<number>(20).fill(0), 100)).toBe(false);
    expect(isOwnFault(Array<number>(21).fill(0), 100)).toBe(true);
  });

  test('stay so as long as they are silent, but do not when each went in its own time', () => {
    const apart = [0, 1, 2, 3].map(index => (index * BURST_WINDOW_MS) / 2);
    expect(isOwnFault(apart, 10)).toBe(false);
    expect(isOwnFault([...apart, 1_000_000, 1_000_001, 1_000_002], 10)).toBe(false);
    expect(isOwnFault([1_000_003, ...apart, 1_000_000, 1_000_001, 1_000_002], 10)).toBe(true);
  });
});

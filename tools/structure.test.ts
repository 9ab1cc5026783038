import { describe, expect, test } from 'vitest';
import { checkStructure } from './structure.ts';

/** The messages for these files, given by path and text. */
function messages(files: Record<string, string>): string[] {
  const sources = Object.entries(files).map(([path, text]) => ({ path, text }));
  return checkStructure(sources).findings.map(({ path, line, message }) => `${path}:${line} ${message}`);
}

describe('folders', () => {
  test.each([
    ['coordinator/core/plan.ts', "import { x } from '../lanes/lane.ts';"],
    ['coordinator/core/plan.ts', "import type { x } from '../lanes/lane.ts';"],
    ['coordinator/core/plan.ts', "import os from 'node:os';"],
    ['coordinator/core/plan.ts', "import pino from 'pino';"],
    ['coordinator/lanes/lane.ts', "export * from '../../agent/drain/drain.ts';"],
    ['agent/drain/drain.ts', "const x = await import('../../coordinator/lanes/lane.ts');"],
    ['agent/drain/drain.ts', "import { x } from '../../sandbox/kube/store.ts';"],
    ['sandbox/kube/store.ts', "import { x } from '../../agent/drain/drain.ts';"],
    ['common/backoff.ts', "import { x } from '../coordinator/core/plan.ts';"],
    ['agent/drain/drain.ts', "import { x } from '../../tools/structure.ts';"],
  ])('%s must not say %s', (path, text) => {
    expect(messages({ [path]: text })).toEqual([expect.stringMatching(`^${path}:1 .* may import only `)]);
  });

  test.each([
    ['coordinator/core/plan.ts', "import assert from 'node:assert/strict'; import { x } from '../../common/clock.ts';"],
    ['coordinator/core/plan.test.ts', "import fc from 'fast-check';"],
    ['agent/drain/drain.ts', "import { x } from '../../proto/gen/clbdirect/v1/report.ts'; import pino from 'pino';"],
    ['sandbox/main.ts', "import { x } from '../agent/main.ts';"],
    ['test/simulation/world.ts', "import '../../agent/main.ts'; import '../../coordinator/main.ts';"],
  ])('%s may say %s', (path, text) => expect(messages({ [path]: text })).toEqual([]));

  test('files must not import each other in a circle', () => {
    const files = {
      'common/a.ts': "import './b.ts';",
      'common/b.ts': "\nimport './c.ts';",
      'common/c.ts': "import './b.ts';",
    };
    expect(messages(files)).toEqual(['common/b.ts:2 an import cycle: common/b.ts → common/c.ts → common/b.ts']);
  });
});

describe('the outside', () => {
  test.each(['net', 'http', 'https', 'http2', 'fs', 'fs/promises', 'dns', 'tls', 'dgram', 'child_process'])(
    'node:%s stands only in carriers',
    module => {
      const text = `import { x } from 'node:${module}';`;
      expect(messages({ 'agent/drain/tracker.ts': text })).toHaveLength(1);
      expect(messages({ 'agent/drain/hook-transport.ts': text, 'agent/main.ts': text })).toEqual([]);
    },
  );

  test('WebCrypto works in other threads, so it stands only in carriers too', () => {
    const text = "import { createHash, webcrypto } from 'node:crypto';";
    expect(messages({ 'agent/drain/tracker.ts': text })).toHaveLength(1);
    expect(messages({ 'coordinator/webhook/x509-issuer.ts': text })).toEqual([]);
  });

  test('types, and what only computes, may stand everywhere', () => {
    const text = "import type { Server } from 'node:http'; import { isIPv4, type Socket } from 'node:net';";
    expect(messages({ 'agent/drain/tracker.ts': text })).toEqual([]);
  });
});

describe('time and randomness', () => {
  test.each([
    'setTimeout(f, 1);',
    'globalThis.setTimeout(f, 1);',
    'const wait = setImmediate;',
    'performance.now();',
    'Date.now();',
    'new Date();',
    'Date();',
    'AbortSignal.timeout(1);',
    'process.hrtime.bigint();',
    "import { setTimeout as sleep } from 'node:timers/promises';",
  ])('"%s" bypasses the clock', text => {
    expect(messages({ 'agent/drain/tracker.ts': text })).toEqual([expect.stringContaining('bypasses the clock')]);
    expect(messages({ 'common/clock.ts': text })).toEqual([]);
  });

  test('tests do not sleep either, but may yield to the event loop', () => {
    expect(messages({ 'agent/drain/tracker.test.ts': 'setTimeout(f, 1); setImmediate(f);' })).toHaveLength(1);
  });

  test.each(['Math.random();', 'crypto.randomUUID();', "import { randomUUID } from 'node:crypto';"])(
    '"%s" cannot be replayed',
    text => {
      expect(messages({ 'agent/drain/tracker.ts': text })).toEqual([expect.stringContaining('cannot be replayed')]);
      expect(messages({ 'common/random.ts': text })).toEqual([]);
    },
  );

  test.each([
    'new Date(0).toISOString();',
    'Date.parse(text);',
    'socket.setTimeout(1);',
    'const options = { setTimeout: 1 };',
    'let at: Date;',
    '/* Date.now() */',
  ])('"%s" does neither', text => expect(messages({ 'agent/drain/tracker.ts': text })).toEqual([]));
});

test('only entry points print', () => {
  const text = "\nconsole.log('x');";
  expect(messages({ 'agent/drain/tracker.ts': text })).toEqual([expect.stringMatching(/tracker\.ts:2 only entry/)]);
  expect(messages({ 'agent/main.ts': text, 'sandbox/load/main.ts': text })).toEqual([]);
});

describe('sizes', () => {
  const functionOf = (lines: number) => `\nfunction f() {${'\n'.repeat(lines - 1)}}`;

  test('a function has at most 70 lines', () => {
    expect(messages({ 'common/a.ts': functionOf(70) })).toEqual([]);
    expect(messages({ 'common/a.ts': functionOf(71) })).toEqual([expect.stringMatching(/a\.ts:2 a function of 71/)]);
    expect(messages({ 'common/a.test.ts': functionOf(71) })).toEqual([]);
  });

  test('a file has at most 500 lines, and those beyond 300 are counted', () => {
    const fileOf = (lines: number) => 'const x = 1;\n'.repeat(lines);
    expect(messages({ 'common/a.ts': fileOf(500) })).toEqual([]);
    expect(messages({ 'common/a.ts': fileOf(501) })).toEqual([expect.stringContaining('501 lines')]);
    const sources = [300, 301].map(lines => ({ path: `common/${lines}.ts`, text: fileOf(lines) }));
    expect(checkStructure(sources).longFiles).toEqual(['common/301.ts']);
  });

  test('the median counts functions with a body in braces', () => {
    const text = `const short = () => 1;${[3, 5, 9].map(functionOf).join('')}`;
    expect(checkStructure([{ path: 'common/a.ts', text }]).functionLinesMedian).toBe(5);
  });
});

test('a file that does not parse is named', () => {
  expect(() => messages({ 'common/a.ts': 'const =' })).toThrow('common/a.ts does not parse');
});

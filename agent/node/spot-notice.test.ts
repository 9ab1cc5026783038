import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '../../common/logger.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { NodeSignKind } from '../../proto/gen/clbdirect/v1/report.ts';
import type { NodeSignSource, Sign } from './sign-source.ts';
import { type MetadataAnswer, spotNotice } from './spot-notice.ts';

const NONE: MetadataAnswer = { status: 404, body: 'Not Found' };
const NOTICE: MetadataAnswer = { status: 200, body: '2026-08-18 12:05:33\n' };

let clock: VirtualClock;
let answer: () => Promise<MetadataAnswer>;
let asked: { path: string; at: number }[];
let told: (readonly Sign[])[];
let source: NodeSignSource;
let stop: AbortController;
let stopped: Promise<void>;

beforeEach(() => {
  clock = new VirtualClock();
  answer = async () => NONE;
  [asked, told] = [[], []];
  stop = new AbortController();
  const get = (path: string, signal: AbortSignal) => {
    asked.push({ path, at: clock.now() });
    return new Promise<MetadataAnswer>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true });
      answer().then(resolve, reject);
    });
  };
  source = spotNotice({ clock, random: seededRandom(3), log: silentLogger, metadata: { get } });
  stopped = source.run(signs => told.push(signs), stop.signal);
});
afterEach(async () => {
  stop.abort();
  await stopped;
});

test('the metadata service is asked every five seconds', async () => {
  await clock.advance(20_000);
  expect(asked.map(({ at }) => at)).toEqual([0, 5_000, 10_000, 15_000, 20_000]);
  expect(asked[0]?.path).toBe('/latest/meta-data/spot/termination-time');
  expect(told.flat()).toEqual([]);
});

test('a time of termination is a sign, and a later 404 takes it back', async () => {
  answer = async () => NOTICE;
  await clock.advance(5_000);
  expect(told.at(-1)).toEqual([
    { kind: NodeSignKind.SPOT_TERMINATION, detail: 'the cloud takes the instance back at 2026-08-18 12:05:33 UTC+8' },
  ]);
  answer = async () => NONE;
  await clock.advance(5_000);
  expect(told.at(-1)).toEqual([]);
});

describe.each<[string, () => Promise<MetadataAnswer>]>([
  ['an error of the server', async () => ({ status: 500, body: '' })],
  ['a page that is no time', async () => ({ status: 200, body: '<html>welcome to this hotel</html>' })],
  ['an empty answer', async () => ({ status: 200, body: '' })],
  ['a redirect', async () => ({ status: 302, body: '2026-08-18 12:05:33' })],
  ['a name that does not resolve', () => Promise.reject(new Error('getaddrinfo ENOTFOUND'))],
  ['silence', () => new Promise(() => {})],
])('%s', (_, failure) => {
  test('is no notice, and takes none back', async () => {
    answer = async () => NOTICE;
    await clock.advance(5_000);
    const before = told.length;
    answer = failure;
    await clock.advance(300_000);
    expect(told).toHaveLength(before);
    expect(told.at(-1)).toMatchObject([{ kind: NodeSignKind.SPOT_TERMINATION }]);
  });

  test('makes the questions rare, to about one a minute at most', async () => {
    answer = failure;
    await clock.advance(600_000);
    const before = asked.length;
    await clock.advance(600_000);
    expect(asked.length - before).toBeGreaterThan(9);
    expect(asked.length - before).toBeLessThan(60);
    expect(source.describe()).toContain('no word from the metadata service');
  });
});

import { beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { ProbeOutcome, type ProbeRequest } from '../../proto/gen/clbdirect/v1/report.ts';
import { noMetrics } from '../metrics.ts';
import { ProbeDesk } from './probe-desk.ts';
import type { ProbeAnswer } from './probe-source.ts';

const { CONNECTED, DECLINED, REFUSED, TIMED_OUT, UNREACHABLE } = ProbeOutcome;

let clock: VirtualClock;
let connect: () => Promise<ProbeAnswer>;
let asked: string[];
let counted: ProbeOutcome[];
let desk: ProbeDesk;

beforeEach(() => {
  clock = new VirtualClock();
  connect = async () => 'connected';
  [asked, counted] = [[], []];
  desk = new ProbeDesk({
    clock,
    metrics: { ...noMetrics(), probeAnswered: outcome => counted.push(outcome) },
    isAllowed: address => address.startsWith('10.'),
    source: {
      connect: (address, port, signal) => {
        asked.push(`${address}:${port}`);
        return new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason), { once: true });
          connect().then(resolve, reject);
        });
      },
    },
  });
});

const answer = (fields: Partial<ProbeRequest> = {}) =>
  desk.answer({ id: 1, address: '10.0.0.5', port: 80, timeoutMs: 500, ...fields });
const silence = () => new Promise<never>(() => {});
const answerMany = (count: number) => Promise.all(Array.from({ length: count }, () => answer()));
const howMany = async (answers: ReturnType<typeof answerMany>, wanted: ProbeOutcome) =>
  (await answers).filter(({ outcome }) => outcome === wanted).length;

describe('a probe', () => {
  test.each<[ProbeAnswer, ProbeOutcome]>([
    ['connected', CONNECTED],
    ['refused', REFUSED],
    ['unreachable', UNREACHABLE],
  ])('that was %s says so', async (told, outcome) => {
    connect = async () => told;
    expect(await answer({ id: 9 })).toEqual({ id: 9, outcome, roundTripMs: 0 });
    expect(asked).toEqual(['10.0.0.5:80']);
    expect(counted).toEqual([outcome]);
  });

  test('tells how long it took', async () => {
    connect = () => new Promise(resolve => clock.schedule(42, () => resolve('connected')));
    const answered = answer();
    await clock.advance(42);
    expect(await answered).toMatchObject({ outcome: CONNECTED, roundTripMs: 42 });
  });

  test.each([
    ['its own time', 300, 300],
    ['a second when it names none', 0, 1_000],
    ['five seconds at most', 3_600_000, 5_000],
  ])('waits for %s', async (_, timeoutMs, expectedMs) => {
    connect = silence;
    const answered = answer({ timeoutMs });
    await clock.advance(expectedMs);
    expect(await answered).toMatchObject({ outcome: TIMED_OUT, roundTripMs: expectedMs });
  });

  test('that fails in an unforeseen way tells of no way', async () => {
    connect = () => Promise.reject(new Error('EMFILE'));
    expect((await answer()).outcome).toBe(UNREACHABLE);
  });
});

describe('a probe is declined without a packet', () => {
  test.each<[string, Partial<ProbeRequest>]>([
    ['to an address outside of the cluster', { address: '192.0.2.1' }],
    ['to port 0', { port: 0 }],
    ['to a port that cannot be', { port: 65_536 }],
  ])('%s', async (_, fields) => {
    expect(await answer(fields)).toMatchObject({ outcome: DECLINED });
    expect(asked).toEqual([]);
  });

  test('when more than twenty come at once, and ten come a second', async () => {
    expect(await howMany(answerMany(15), CONNECTED)).toBe(15);
    expect(await howMany(answerMany(15), CONNECTED)).toBe(5);
    await clock.advance(1_000);
    expect(await howMany(answerMany(15), CONNECTED)).toBe(10);
  });

  test('when sixteen are under way', async () => {
    connect = silence;
    const answered = answerMany(20);
    await clock.advance(500);
    expect(await howMany(answered, DECLINED)).toBe(4);
    connect = async () => 'connected';
    expect((await answer()).outcome).toBe(CONNECTED);
  });

  test('and what is declined uses up nothing', async () => {
    await Promise.all(Array.from({ length: 1_000 }, () => answer({ address: '127.0.0.1' })));
    expect((await answer()).outcome).toBe(CONNECTED);
  });
});

import { describe, expect, test } from 'vitest';
import { idleMs, parseSocketStatistics } from './idle-times.ts';

const ANSWERED = {
  receiveQueueBytes: 0,
  sendQueueBytes: 0,
  receivedBytes: 100,
  sentBytes: 100,
  sentAgoMs: 6_000,
  receivedAgoMs: 6_040,
  heardAgoMs: 5_980,
};
const SAME_TICK = { ...ANSWERED, receivedAgoMs: 6_000 };
const OPENED = { ...ANSWERED, receivedBytes: 0, sentBytes: 0, receivedAgoMs: 6_000, heardAgoMs: 6_000 };

describe('a connection is', () => {
  test.each([
    ['idle since its answer, when the answer came after the request', ANSWERED, 6_000],
    ['idle when its answer in the same tick was acknowledged later', SAME_TICK, 6_000],
    ['idle when nothing was ever sent on it', OPENED, 6_000],
    ['idle when only we have spoken', { ...OPENED, sentBytes: 9, sentAgoMs: 3_000 }, 3_000],
    ['busy when a request came after the last answer', { ...ANSWERED, receivedAgoMs: 5_900 }, 0],
    ['busy when a request may have come in the tick of the last answer', { ...SAME_TICK, heardAgoMs: 6_000 }, 0],
    ['busy when its first request came in the tick in which it was opened', { ...SAME_TICK, sentBytes: 0 }, 0],
    ['busy while bytes wait to be read', { ...ANSWERED, receiveQueueBytes: 1 }, 0],
    ['busy while bytes wait to be acknowledged', { ...ANSWERED, sendQueueBytes: 1 }, 0],
  ])('%s', (_, activity, expected) => {
    expect(idleMs(activity)).toBe(expected);
  });
});

/** As iproute2 6.1 prints it. */
const LINE =
  'ESTAB 0      0      10.0.0.5:8080 192.0.2.1:46633 cubic wscale:10,10 rto:204 rtt:0.007/0.003 mss:1448 cwnd:10 bytes_sent:6 bytes_received:1 lastsnd:6000 lastrcv:6040 lastack:5960 app_limited minrtt:0.007';

describe('what ss prints', () => {
  test('gives the idle time of each socket by its ends', () => {
    expect([...parseSocketStatistics(`${LINE}\n${LINE.replace('46633', '46634').replace('6040', '20')}\n`)]).toEqual([
      ['8080 192.0.2.1 46633', 6_000],
      ['8080 192.0.2.1 46634', 0],
    ]);
  });

  test.each([
    ['an IPv6 address', '[2001:db8::7]', '2001:db8::7'],
    ['an IPv4 address on an IPv6 socket', '[::ffff:192.0.2.1]', '192.0.2.1'],
    ['an address with its interface', '[fe80::1%eth0]', 'fe80::1'],
  ])('names %s as the socket table does', (_, address, expected) => {
    expect([...parseSocketStatistics(LINE.replace('192.0.2.1', address)).keys()]).toEqual([`8080 ${expected} 46633`]);
  });

  test('leaves out a time of 0', () => {
    expect([...parseSocketStatistics(LINE.replace(' lastsnd:6000', '')).values()]).toEqual([0]);
  });

  test('may hold other lines', () => {
    expect(parseSocketStatistics('Netid State\n\n\t cubic wscale:7,7\n').size).toBe(0);
  });
});

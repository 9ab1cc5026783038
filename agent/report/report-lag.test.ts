import { describe, expect, test } from 'vitest';
import { ReportLag } from './report-lag.ts';

describe('the lag of a report', () => {
  test('begins with the oldest change that the message carries', () => {
    const lag = new ReportLag();
    lag.changed(10);
    lag.changed(20);
    lag.sent(1);
    expect(lag.acknowledged(1, 50)).toEqual([40]);
  });

  test('ends with the acknowledgement of its message or of a later one, and only once', () => {
    const lag = new ReportLag();
    for (const sequence of [1, 2, 3]) {
      lag.changed(sequence * 10);
      lag.sent(sequence);
    }
    expect(lag.acknowledged(0, 100)).toEqual([]);
    expect(lag.acknowledged(2, 100)).toEqual([90, 80]);
    expect(lag.acknowledged(2, 200)).toEqual([]);
    expect(lag.acknowledged(3, 200)).toEqual([170]);
  });

  test('is not measured of a snapshot without news', () => {
    const lag = new ReportLag();
    lag.sent(1);
    expect(lag.acknowledged(1, 50)).toEqual([]);
  });

  test('of messages nobody acknowledges is forgotten, the oldest first', () => {
    const lag = new ReportLag();
    for (let sequence = 1; sequence <= 2_000; sequence += 1) {
      lag.changed(sequence);
      lag.sent(sequence);
    }
    expect(lag.acknowledged(2_000, 2_000)).toHaveLength(1_024);
  });
});

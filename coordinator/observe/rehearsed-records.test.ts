import { beforeEach, describe, expect, test } from 'vitest';
import { NO_ENTRIES } from '../kube/load-balancer-record.ts';
import { serviceRecord } from '../service.fixture.ts';
import { RehearsedRecords } from './rehearsed-records.ts';

const SERVICE = serviceRecord({ finalized: false, recorded: ['lb-old'] });
const OTHER = serviceRecord({ uid: 'other' });
const TO_NEW = {
  add: { loadBalancers: ['lb-new'], adoptedListeners: [{ loadBalancerId: 'lb-new', listenerId: 'lbl-1' }] },
  drop: { loadBalancers: ['lb-old'], adoptedListeners: [] },
};

let records: RehearsedRecords;
beforeEach(() => {
  records = new RehearsedRecords();
});

describe('a rehearsed record', () => {
  test('stands over the object with our finalizer and what would be written', () => {
    expect(records.claim(SERVICE, TO_NEW)).toBe(true);
    expect(records.has(SERVICE.uid)).toBe(true);
    expect(records.over(SERVICE)).toEqual({
      ...SERVICE,
      finalized: true,
      recorded: ['lb-new'],
      adopted: [{ loadBalancerId: 'lb-new', listenerId: 'lbl-1' }],
    });
  });

  test('is news once', () => {
    records.claim(SERVICE, TO_NEW);
    expect(records.claim(SERVICE, TO_NEW)).toBe(false);
    expect(records.claim(records.over(SERVICE), { add: NO_ENTRIES, drop: NO_ENTRIES })).toBe(false);
  });

  test('is news though it only puts the finalizer on', () => {
    expect(records.claim(SERVICE, { add: NO_ENTRIES, drop: NO_ENTRIES })).toBe(true);
  });

  test('leaves other objects as they are, and its own once it is forgotten', () => {
    records.claim(SERVICE, TO_NEW);
    expect(records.over(OTHER)).toBe(OTHER);
    records.forget(SERVICE.uid);
    expect(records.over(SERVICE)).toBe(SERVICE);
  });
});

import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { NumberedRecord } from '../../sandbox/clb/journal.ts';
import { ClbJournal, healthyMoments, takenOut, writesByAction } from './clb-journal.ts';

const call = (at: number, action: string, parameters: object = {}, code = ''): NumberedRecord => ({
  kind: 'call',
  sequence: at,
  at,
  finishedAt: at + 5,
  action,
  parameters,
  code,
  message: '',
  requestId: `r-${at}`,
  replyLost: false,
});
const reweight = (at: number, address: string, weight: number, code = '') =>
  call(at, 'BatchModifyTargetWeight', { ModifyList: [{ Targets: [{ EniIp: address, Weight: weight }] }] }, code);
const health = (at: number, address: string, status: 'Alive' | 'Dead'): NumberedRecord => ({
  kind: 'health',
  sequence: at,
  at,
  listenerId: 'lbl-1',
  locationId: '',
  address,
  port: 80,
  status,
});

test('a target is out with the first call that gives it weight 0 or deregisters it', () => {
  const records = [
    reweight(1, '10.0.0.1', 10),
    reweight(2, '10.0.0.1', 0),
    call(3, 'BatchDeregisterTargets', { Targets: [{ EniIp: '10.0.0.1' }, { EniIp: '10.0.0.2' }] }),
  ];
  expect([...takenOut(records, 0)]).toEqual([
    ['10.0.0.1', 2],
    ['10.0.0.2', 3],
  ]);
});

test('the journal has calls when they are answered, and the one that came first counts', () => {
  expect(takenOut([reweight(7, '10.0.0.1', 0), reweight(4, '10.0.0.1', 0)], 0).get('10.0.0.1')).toBe(4);
});

test('no target is out by a call that CLB refused, or that came before', () => {
  const records = [reweight(1, '10.0.0.1', 0), reweight(3, '10.0.0.2', 0, 'FailedOperation')];
  expect([...takenOut(records, 2)]).toEqual([]);
});

test('an address that several Pods had one after another was found healthy several times', () => {
  const records = [health(1, '10.0.0.1', 'Alive'), health(2, '10.0.0.1', 'Dead'), health(3, '10.0.0.1', 'Alive')];
  expect(healthyMoments(records).get('10.0.0.1')).toEqual([1, 3]);
});

test('reads are no writes, and refused writes are', () => {
  const records = [
    call(1, 'DescribeTargets'),
    reweight(2, '10.0.0.1', 0, 'FailedOperation'),
    reweight(3, '10.0.0.1', 0),
  ];
  expect([...writesByAction(records, { fromMs: 0, toMs: 3 })]).toEqual([['BatchModifyTargetWeight', 1]]);
});

test('a journal that is still written is read on from where it ended', () => {
  const folder = mkdtempSync(join(tmpdir(), 'clb-journal-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'journal.jsonl');
  const journal = new ClbJournal(file);
  const line = JSON.stringify(health(1, '10.0.0.1', 'Alive'));
  appendFileSync(file, `${line}\n${line.slice(0, 10)}`);
  expect(journal.records()).toHaveLength(1);
  appendFileSync(file, `${line.slice(10)}\n`);
  expect(journal.records()).toHaveLength(2);
});

import { expect, test } from 'vitest';
import type { JournalRecord } from '../../../sandbox/clb/journal.ts';
import { callNotes } from './writers.ts';

function call(requestId: string, at: number, more: { finishedAt?: number; code?: string } = {}): JournalRecord {
  const { finishedAt = at + 100, code = '' } = more;
  const action = 'BatchRegisterTargets';
  return { kind: 'call', at, finishedAt, action, parameters: {}, code, message: '', requestId, replyLost: false };
}

function noted(podIp: string, at: number) {
  return { podIp, at, action: 'BatchRegisterTargets' };
}

const nobody = { deaths: [], resets: [] };

test('a call belongs to the process whose call of that action was noted last before it', () => {
  const calls = [noted('a', 1_000), noted('b', 2_000)];
  const notes = callNotes([call('1', 1_001), call('2', 2_001)], { ...nobody, calls });
  expect(notes.get('1')?.process.name).toBe('a');
  expect(notes.get('2')?.process.name).toBe('b');
});

test('a call that never reached CLB is nobody else', () => {
  const calls = [noted('a', 1_000), noted('b', 2_000)];
  expect(callNotes([call('2', 2_001)], { ...nobody, calls }).get('2')?.process.name).toBe('b');
});

test('a process was dead after its last call, and not after those of the one that came in its place', () => {
  const calls = [noted('a', 1_000), noted('a', 3_000)];
  const deaths = [{ podIp: 'a', at: 1_050 }];
  const notes = callNotes([call('1', 1_001), call('2', 3_001)], { ...nobody, calls, deaths });
  expect(notes.get('1')?.process.severedAt).toBe(1_050);
  expect(notes.get('2')?.process.severedAt).toBeUndefined();
});

test('a reset connection is a failure for the call that was under way', () => {
  const calls = [noted('a', 1_000), noted('a', 3_000)];
  const notes = callNotes([call('1', 1_001), call('2', 3_001)], { ...nobody, calls, resets: [1_050] });
  expect(notes.get('1')?.failureToldAt).toBe(1_050);
  expect(notes.get('2')?.failureToldAt).toBeUndefined();
});

test('a refusal was heard with the answer', () => {
  const journal = [call('1', 1_001, { finishedAt: 1_040, code: 'FailedOperation' })];
  expect(callNotes(journal, { ...nobody, calls: [noted('a', 1_000)] }).get('1')?.failureToldAt).toBe(1_040);
});

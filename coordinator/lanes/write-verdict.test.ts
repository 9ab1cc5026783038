import { describe, expect, test } from 'vitest';
import type { CloudError } from '../cloud/types.ts';
import type { TargetWrite } from '../core/lane-plan.ts';
import type { TargetOperation } from '../core/target-operation.ts';
import { cloudError } from './fake-cloud.ts';
import { judgeWrite, type WriteVerdict } from './write-verdict.ts';

const [FIRST, SECOND] = [operation('lbl-1'), operation('lbl-2')];
const WRITE: TargetWrite = { kind: 'register', operations: [FIRST, SECOND], urgent: false };

function operation(listenerId: string): TargetOperation {
  const place = { listenerId, locationId: '', address: '10.0.0.1', port: 80 };
  return { kind: 'register', weight: 10, tag: 't', key: listenerId, place, ruleId: listenerId, podUid: 'pod-1' };
}

function judgeError(fields: Partial<CloudError>): WriteVerdict {
  return judgeWrite(WRITE, { ok: false, error: cloudError(fields) });
}

describe('what follows from the answer to a write', () => {
  test('a success is read back, and counts for all that CLB did not name', () => {
    const verdict = judgeWrite(WRITE, { ok: true, value: { failedListenerIds: ['lbl-2'], message: 'busy with it' } });
    expect(verdict).toMatchObject({ done: true, counts: true, succeeded: [FIRST], pause: 'none' });
    expect(verdict.refused).toMatchObject({ operations: [SECOND], isFinal: false, error: { code: 'CD2046' } });
    expect(verdict.refused?.error.message).toContain('lbl-2: busy with it');
  });

  test.each<[string, Partial<CloudError>, Partial<WriteVerdict>]>([
    ['busy: nothing was done, and soon again', { class: 'busy' }, { done: false, counts: false, pause: 'busy' }],
    ['throttled: the same, at the limiter’s pace', { class: 'throttled' }, { counts: false, pause: 'throttled' }],
    ['a lost answer: read first', { outcomeUnknown: true, blames: 'account' }, { done: true, pause: 'backoff' }],
    ['gone: read first', { class: 'terminal', notFound: true }, { done: true, pause: 'none' }],
    ['no permission: it waits', { class: 'terminal', blames: 'account' }, { done: false, pause: 'backoff' }],
    ['not in a state: it waits', { class: 'retryable', blames: 'load-balancer' }, { done: false, pause: 'backoff' }],
  ])('%s', (_, error, verdict) => {
    expect(judgeError(error)).toMatchObject(verdict);
  });

  test('only what blames its items is looked for a bad one', () => {
    expect(judgeError({ class: 'terminal' }).refused).toMatchObject({ operations: WRITE.operations, isFinal: true });
    expect(judgeError({ class: 'retryable' }).refused).toMatchObject({ isFinal: false });
    for (const blames of ['account', 'load-balancer'] as const) {
      expect(judgeError({ class: 'terminal', blames }).refused).toBeUndefined();
    }
    expect(judgeError({ class: 'busy' }).refused).toBeUndefined();
  });
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { PodRecord } from '../../common/pod-record.ts';
import { podRecord } from '../../common/pods/pod.fixture.ts';
import { DrainPhase, NodeSignKind, ProbeOutcome, type ReportRequest } from '../../proto/gen/clbdirect/v1/report.ts';
import type { PodChange } from '../pods/pod-table.ts';
import {
  DELTA_ENTRIES_MAX,
  emptyOutbox,
  type Outbox,
  PROBE_RESULTS_MAX,
  takeMessage,
  withChange,
  withDrain,
  withNotice,
  withProbeResult,
  withSnapshot,
} from './outbox.ts';

/** Takes messages until there is none, or `limit` of them. */
function takeAll(outbox: Outbox, records: readonly PodRecord[] | undefined) {
  const messages: ReportRequest[] = [];
  let rest = outbox;
  for (let taken = takeMessage(rest, records); taken; taken = takeMessage(rest, records)) {
    messages.push(taken.message);
    rest = taken.outbox;
  }
  return { messages, outbox: rest };
}

const upsert = (...uids: string[]): PodChange => ({ upserts: uids.map(uid => podRecord({ uid })), removals: [] });
const remove = (...removals: string[]): PodChange => ({ upserts: [], removals });
const drain = (podUid: string, phase: DrainPhase) => ({ podUid, phase, budgetMs: 1_000 });
const synced = () => takeAll(withSnapshot(emptyOutbox()), []).outbox;

describe('an outbox', () => {
  test('has nothing to say before a snapshot was asked for', () => {
    expect(takeMessage(withChange(emptyOutbox(), upsert('a')), [])).toBeUndefined();
  });

  test('holds its snapshot back until the Pods were listed', () => {
    const outbox = withSnapshot(emptyOutbox());
    expect(takeMessage(outbox, undefined)).toBeUndefined();
    const records = [podRecord({ uid: 'a' })];
    expect(takeMessage(outbox, records)?.message.message).toEqual({
      $case: 'snapshot',
      value: { sequence: 1, pods: records, consistent: true, blind: false },
    });
  });

  test('says all anew when a delta would grow beyond what a node has', () => {
    let outbox = synced();
    for (let index = 0; index <= DELTA_ENTRIES_MAX; index += 1) outbox = withChange(outbox, remove(`pod-${index}`));
    const records = [podRecord({ uid: 'left' })];
    const value = { sequence: 2, pods: records, consistent: true, blind: false };
    expect(takeAll(outbox, records).messages).toEqual([{ message: { $case: 'snapshot', value } }]);
  });

  test('merges what changes while the stream is not writable into one delta', () => {
    const changes = [upsert('a', 'b'), remove('a'), upsert('c')];
    const { messages } = takeAll(changes.reduce(withChange, synced()), []);
    expect(messages).toHaveLength(1);
    expect(messages[0]?.message).toMatchObject({
      $case: 'delta',
      value: { sequence: 2, upserts: [{ uid: 'b' }, { uid: 'c' }], removals: ['a'] },
    });
  });

  test('lets a snapshot supersede the delta that is pending', () => {
    const { messages } = takeAll(withSnapshot(withChange(synced(), upsert('a'))), []);
    expect(messages.map(({ message }) => message?.$case)).toEqual(['snapshot']);
  });

  test('names a Pod before it asks for its drain', () => {
    const outbox = withChange(withDrain(synced(), drain('a', DrainPhase.BEGIN)), upsert('a'));
    const cases = takeAll(outbox, []).messages.map(({ message }) => message?.$case);
    expect(cases).toEqual(['delta', 'drainRequest']);
  });

  test("tells the node's end before its Pods are listed, and only the latest notice", () => {
    const sign = { kind: NodeSignKind.SHUTDOWN, detail: '', seenAtMs: 1 };
    const outbox = withNotice(withNotice(withSnapshot(emptyOutbox()), { signs: [] }), { signs: [sign] });
    expect(takeAll(outbox, undefined).messages.map(({ message }) => message)).toEqual([
      { $case: 'nodeNotice', value: { signs: [sign] } },
    ]);
  });

  test('gives the results of probes in their order, and keeps no more than its limit of them', () => {
    const result = (id: number) => ({ id, outcome: ProbeOutcome.DECLINED, roundTripMs: 0 });
    const ids = Array.from({ length: PROBE_RESULTS_MAX + 10 }, (_, index) => index);
    const outbox = ids.map(result).reduce(withProbeResult, synced());
    const results = takeAll(outbox, []).messages.map(({ message }) => message?.value);
    expect(results).toEqual(ids.slice(0, PROBE_RESULTS_MAX).map(result));
  });

  test('keeps only the latest phase of a drain', () => {
    const outbox = withDrain(withDrain(synced(), drain('a', DrainPhase.BEGIN)), drain('a', DrainPhase.ANSWERED));
    const { messages } = takeAll(outbox, []);
    expect(messages.map(({ message }) => message)).toEqual([
      { $case: 'drainRequest', value: drain('a', DrainPhase.ANSWERED) },
    ]);
  });
});

type Action = { type: 'upsert' | 'remove'; uid: string; revision: number } | { type: 'take' } | { type: 'resync' };

const change = fc.record({
  type: fc.constantFrom('upsert' as const, 'remove' as const),
  uid: fc.constantFrom('a', 'b', 'c', 'd'),
  revision: fc.nat(),
});
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 6, arbitrary: change },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('take' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('resync' as const) }) },
);

/** What a coordinator knows that applies every message and insists on the sequence. */
class Receiver {
  readonly pods = new Map<string, PodRecord>();
  #sequence = 0;

  receive({ message }: ReportRequest): void {
    if (message?.$case !== 'snapshot' && message?.$case !== 'delta') throw new Error('no Pods in this message');
    expect(message.value.sequence).toBe(this.#sequence + 1);
    this.#sequence = message.value.sequence;
    if (message.$case === 'snapshot') {
      this.pods.clear();
      for (const pod of message.value.pods) this.pods.set(pod.uid, pod);
    } else {
      for (const pod of message.value.upserts) this.pods.set(pod.uid, pod);
      for (const uid of message.value.removals) this.pods.delete(uid);
    }
  }
}

describe('whatever happens between two messages', () => {
  test('the sequence has no gap and the receiver ends up with what the agent knows', () => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 60, size: 'max' }), actions => {
        const known = new Map<string, PodRecord>();
        const receiver = new Receiver();
        let outbox = withSnapshot(emptyOutbox());
        const take = () => {
          const taken = takeMessage(outbox, [...known.values()]);
          if (!taken) return;
          receiver.receive(taken.message);
          outbox = taken.outbox;
        };
        for (const step of actions) {
          if (step.type === 'take') take();
          else if (step.type === 'resync') outbox = withSnapshot(outbox);
          else outbox = withChange(outbox, applyTo(known, step));
        }
        take();
        expect(takeMessage(outbox, [])).toBeUndefined();
        expect(receiver.pods).toEqual(known);
      }),
    );
  });
});

function applyTo(known: Map<string, PodRecord>, step: { type: 'upsert' | 'remove'; uid: string; revision: number }) {
  if (step.type === 'remove') {
    known.delete(step.uid);
    return remove(step.uid);
  }
  const record = podRecord({ uid: step.uid, createdAtMs: step.revision });
  known.set(step.uid, record);
  return { upserts: [record], removals: [] };
}

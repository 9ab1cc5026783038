import { describe, expect, test } from 'vitest';
import type { NumberedRecord } from '../../../sandbox/clb/journal.ts';
import type { ContainerMoments } from '../container-moments.ts';
import { momentsTable, orderProblems, outlivedBudget, podMoments } from './pod-moments.ts';

const address = '10.244.1.4';
const container: ContainerMoments = {
  node: 'node1',
  namespace: 'default',
  pod: 'web-a',
  podUid: 'uid-a',
  container: 'nginx',
  containerId: 'c0',
  startedAtMs: 1_000,
  preStop: { begunAtMs: 5_000, endedAtMs: 9_000, outcome: 'completed' },
  terminatedAtMs: 9_010,
  killedAtMs: undefined,
  exitedAtMs: 9_050,
  exitCode: 0,
};

const target = { listenerId: 'lbl-a', locationId: '', address, port: 80, weight: 0 };

function change(
  sequence: number,
  at: number,
  kind: 'target-reweighted' | 'target-deregistered',
  weight = 0,
): NumberedRecord {
  const changes = [{ ...target, weight, kind, loadBalancerId: 'lb-a', tag: '' }];
  return { sequence, kind: 'change', at, action: '', requestId: '', changes };
}

function removal(sequence: number, forwarder: number, lastClosedAt: number, liveConnections = 0): NumberedRecord {
  const counts = { liveConnections, openedConnections: 1, lastOpenedAt: 5_900, lastClosedAt };
  const targets = [{ ...target, kind: 'target-deregistered' as const, ...counts }];
  return { sequence, kind: 'forwarded', at: 10_000, forwarder, requestId: '', targets };
}

function journalOf(moments: { weightZero: number; lastClosed: number; deregistered: number }): NumberedRecord[] {
  return [
    change(1, 900, 'target-deregistered'),
    change(2, moments.weightZero, 'target-reweighted'),
    change(3, moments.deregistered, 'target-deregistered'),
    removal(4, 0, moments.lastClosed - 500),
    removal(5, 1, moments.lastClosed),
  ];
}

const moments = (journal: { weightZero: number; lastClosed: number; deregistered: number }) =>
  podMoments(container, address, journalOf(journal));

describe('the moments of a Pod', () => {
  test('come from the records of its own life, the last ones from whichever forwarder saw them last', () => {
    expect(moments({ weightZero: 5_300, lastClosed: 7_000, deregistered: 8_000 })).toMatchObject({
      weightZeroAtMs: 5_300,
      lastOpenedAtMs: 5_900,
      lastClosedAtMs: 7_000,
      deregisteredAtMs: 8_000,
      forwardersFollowed: 2,
    });
  });

  test('leave out a time at weight 0 from which the target was opened again', () => {
    const closedBefore = [change(6, 2_000, 'target-reweighted'), change(7, 3_000, 'target-reweighted', 10)];
    const journal = journalOf({ weightZero: 5_300, lastClosed: 7_000, deregistered: 8_000 });
    expect(podMoments(container, address, [...closedBefore, ...journal]).weightZeroAtMs).toBe(5_300);
  });

  test('are in order when the target was gone before SIGTERM', () => {
    expect(orderProblems(moments({ weightZero: 5_300, lastClosed: 7_000, deregistered: 8_000 }))).toEqual([]);
  });

  test('are in order when weight 0 came before the kubelet called the hook', () => {
    expect(orderProblems(moments({ weightZero: 4_950, lastClosed: 7_000, deregistered: 8_000 }))).toEqual([]);
  });

  test('are in order when connections outlived the budget and the target stayed until the exit', () => {
    const outlived = moments({ weightZero: 5_300, lastClosed: 9_040, deregistered: 9_500 });
    expect(outlivedBudget(outlived)).toBe(true);
    expect(orderProblems(outlived)).toEqual([]);
  });

  test.each([
    ['weight 0 after SIGTERM', { weightZero: 9_020, lastClosed: 7_000, deregistered: 9_030 }, 'preStop came 30 ms'],
    ['a connection cut', { weightZero: 5_300, lastClosed: 8_100, deregistered: 8_000 }, 'deregistered came 100 ms'],
    ['a hook that ended first', { weightZero: 5_300, lastClosed: 7_000, deregistered: 9_005 }, 'preStop came 5 ms'],
    ['cut before the exit', { weightZero: 5_300, lastClosed: 9_045, deregistered: 9_020 }, 'deregistered came 30 ms'],
  ])('tell %s', (_, journal, problem) => {
    expect(orderProblems(moments(journal)).join()).toContain(problem);
  });

  test('tell connections that the forwarders still had when the target went', () => {
    const journal = journalOf({ weightZero: 5_300, lastClosed: 7_000, deregistered: 8_000 });
    const found = podMoments(container, address, [...journal.slice(0, -1), removal(5, 1, 7_000, 2)]);
    expect(orderProblems(found)).toEqual(['web-a: deregistering cut 2 connections']);
  });

  test.each([
    ['failed', { begunAtMs: 5_000, endedAtMs: 9_000, outcome: 'failed' as const }],
    ['was never called', undefined],
  ])('tell a hook that %s', (outcome, preStop) => {
    const journal = journalOf({ weightZero: 5_300, lastClosed: 7_000, deregistered: 8_000 });
    const found = podMoments({ ...container, preStop }, address, journal);
    expect(orderProblems(found)).toContain(`web-a: preStop ${outcome}`);
  });

  test('tell what never happened', () => {
    expect(orderProblems(podMoments(container, address, []))).toEqual(
      expect.arrayContaining(['web-a: no weight 0', 'web-a: no deregistered']),
    );
  });

  test('stand in a table, in seconds after the beginning of preStop', () => {
    const [, row] = momentsTable([moments({ weightZero: 5_300, lastClosed: 7_000, deregistered: 8_000 })]).split('\n');
    expect(row?.split(/\s+/)).toEqual([
      'web-a',
      '00:00:05.000',
      '0.300',
      '0',
      '0.900',
      '2.000',
      '3.000',
      '0',
      '4.000',
      '4.010',
      '4.050',
    ]);
  });
});

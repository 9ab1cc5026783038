import { beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import { ContainerState } from '../../common/pod-record.ts';
import { kubePod } from '../../common/pods/pod.fixture.ts';
import { projectPod } from '../../common/pods/project-pod.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import type { ContainerExit } from '../runtime/source.ts';
import { FirstLook } from './first-look.ts';
import { type PodChange, PodTable } from './pod-table.ts';

let clock: VirtualClock;
let table: PodTable;
let changes: PodChange[];
let errors: unknown[];
let answer: (containers: readonly ContainerExit[]) => Promise<readonly ContainerExit[]>;
let look: FirstLook;

beforeEach(() => {
  clock = new VirtualClock();
  table = new PodTable();
  [changes, errors] = [[], []];
  look = new FirstLook(
    {
      clock,
      table,
      runtime: { endedAmong: containers => answer(containers) },
      onChange: change => changes.push(change),
      onError: error => errors.push(error),
    },
    new AbortController().signal,
  );
});

function list(): void {
  const record = projectPod(kubePod(), { pureVpcCni: false }, DEFAULT_INSTANCE);
  table.replace(new Map([['default/web-1', { record, hook: { type: 'none' } }]]), 0);
  look.tableChanged();
}

describe('the first look at the node', () => {
  test('finds that a container which the API server calls running does not run: the machine was started anew', async () => {
    answer = async containers => containers;
    list();
    expect(look.isOver).toBe(false);
    await clock.advance(0);
    expect(look.isOver).toBe(true);
    expect(changes).toMatchObject([
      { upserts: [{ ready: false, containers: [{ state: ContainerState.EXITED }] }], removals: [] },
    ]);
  });

  test('leaves a Pod ready whose container runs', async () => {
    answer = async () => [];
    list();
    await clock.advance(0);
    expect(changes).toEqual([{ upserts: [], removals: [] }]);
    expect(table.records()).toMatchObject([{ ready: true }]);
  });

  test('begins with the first complete list, and is made once', async () => {
    let looks = 0;
    answer = async () => {
      looks += 1;
      return [];
    };
    look.tableChanged();
    await clock.advance(0);
    expect([looks, look.isOver]).toEqual([0, false]);
    list();
    list();
    await clock.advance(0);
    list();
    expect([looks, look.isOver]).toEqual([1, true]);
  });

  test('is over after two seconds when the runtime hangs, and the API server is believed', async () => {
    answer = () => new Promise(() => undefined);
    list();
    await clock.advance(1_900);
    expect(look.isOver).toBe(false);
    await clock.advance(100);
    expect(look.isOver).toBe(true);
    expect(table.records()).toMatchObject([{ ready: true }]);
    expect(errors).toHaveLength(1);
  });
});

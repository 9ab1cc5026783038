import { beforeEach, describe, expect, test } from 'vitest';
import { ScriptedTransport } from '../../common/kube/scripted-transport.ts';
import { podRecord } from '../../common/pods/pod.fixture.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { askForDeletion } from './deletion-question.ts';
import { PodTable } from './pod-table.ts';

const POD = podRecord();
const KEY = `${POD.namespace}/${POD.name}`;
const HOOK = { type: 'redirected' } as const;

let clock: VirtualClock;
let table: PodTable;
let kube: ScriptedTransport;
let errors: unknown[];
let answers: { readonly status: number; readonly body: unknown }[];

beforeEach(() => {
  clock = new VirtualClock();
  table = new PodTable();
  table.replace(new Map([[KEY, { record: POD, hook: HOOK }]]), 0);
  errors = [];
  answers = [];
  kube = new ScriptedTransport(() => answers.shift() ?? { status: 500, body: {} });
});

function stored(uid: string, deletion: Record<string, unknown> = {}) {
  const metadata = { namespace: POD.namespace, name: POD.name, uid, ...deletion };
  return { status: 200, body: { metadata } };
}

const DELETED = { deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 60 };

async function ask(signal = new AbortController().signal) {
  const question = askForDeletion(
    { kube, clock, table, onChange: () => undefined, onError: error => errors.push(error) },
    POD,
    signal,
  );
  await clock.advance(10_000);
  await question;
  return table.findByUid(POD.uid)?.deletion;
}

describe('when a preStop is called and the watch has told of no deletion', () => {
  test('the API server tells of it', async () => {
    answers = [stored(POD.uid, DELETED)];
    expect(await ask()).toMatchObject({ gracePeriodSeconds: 60 });
    expect(kube.requests).toMatchObject([
      { method: 'GET', path: `/api/v1/namespaces/${POD.namespace}/pods/${POD.name}` },
    ]);
  });

  test('it is asked again until it answers, and not for ever', async () => {
    answers = [{ status: 503, body: {} }, stored(POD.uid, DELETED)];
    expect(await ask()).toBeDefined();
    expect(kube.requests).toHaveLength(2);
  });

  test('a server that never answers is asked four times', async () => {
    expect(await ask()).toBeUndefined();
    expect(kube.requests).toHaveLength(4);
    expect(errors).toHaveLength(4);
  });

  test.each([
    ['the Pod lives on: it is a restart', stored(POD.uid)],
    ['another Pod has its name', stored('uid-2', DELETED)],
  ])('nothing is said of it when %s', async (_, answer) => {
    answers = [answer];
    expect(await ask()).toBeUndefined();
    expect(kube.requests).toHaveLength(1);
  });

  test('nobody is asked if the watch tells of it in the meantime', async () => {
    clock.schedule(100, () => table.deletionSeen(POD.uid, { seenAtMs: 0, gracePeriodSeconds: 30 }, 0));
    expect(await ask()).toMatchObject({ gracePeriodSeconds: 30 });
    expect(kube.requests).toEqual([]);
  });

  test('nobody is asked by an agent that has ended', async () => {
    expect(await ask(AbortSignal.abort())).toBeUndefined();
    expect(kube.requests).toEqual([]);
  });
});

import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '../../common/clock.ts';
import { productRequests } from '../product-requests/product-requests.ts';
import { type AdmissionHooks, startAdmissionHooks } from './admission-hooks.ts';
import { kubectlRequests } from './kubectl-requests.ts';
import { prepare } from './prepare.ts';
import { requestShape } from './request-shape.ts';
import { requests } from './requests/all.ts';
import { startSandboxSide } from './sandbox-side.ts';
import { recordingShapes } from './shape-recorder.ts';
import { startKubeletObserver } from './stories/kubelet-observer.ts';

const TIMEOUT_MS = 120_000;
const clock = systemClock();
const isInstalled = spawnSync('kubectl', ['version', '--client']).status === 0;

/** Shapes of everything that the table sends. */
const compared = new Set<string>();
let hooks: AdmissionHooks;

beforeAll(async () => {
  hooks = await startAdmissionHooks(clock);
  await using observer = await startKubeletObserver(clock);
  await using sandbox = await startSandboxSide(clock, { hooks, observer });
  const side = { ...sandbox, transport: recordingShapes(sandbox.transport, compared) };
  await prepare(side);
  for (const { send } of requests) await send(side).catch(() => undefined);
}, TIMEOUT_MS);

afterAll(() => hooks[Symbol.asyncDispose]());

test(
  'the table has every kind of request that the product makes',
  async () => {
    const made = (await productRequests()).map(({ process, request, isWatch }) => ({
      shape: requestShape(request, isWatch),
      process,
    }));
    const missing = made
      .filter(({ shape }) => !compared.has(shape))
      .map(({ shape, process }) => `${shape} (${process})`);
    expect([...new Set(missing)]).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  'the table has every kind of request that the kubectl verbs make',
  async ({ skip }) => {
    if (!isInstalled) return skip('kubectl is not installed');
    const missing = [...(await kubectlRequests())].filter(([shape]) => !compared.has(shape));
    expect(missing.map(([shape, command]) => `${shape} (${command})`)).toEqual([]);
  },
  TIMEOUT_MS,
);

test('each line of the table has a name of its own', () => {
  const names = requests.map(({ name }) => name);
  expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([]);
});

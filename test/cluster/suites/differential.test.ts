import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import type { KubeResponse } from '../../../common/kube/transport.ts';
import { type AdmissionHooks, startAdmissionHooks } from '../../differential/admission-hooks.ts';
import { covers, differences, type Finding } from '../../differential/differences.ts';
import { disagreements } from '../../differential/disagreements.ts';
import { normalise } from '../../differential/normalise.ts';
import { prepare } from '../../differential/prepare.ts';
import { requests } from '../../differential/requests/all.ts';
import { customKindName } from '../../differential/requests/bodies.ts';
import { startSandboxSide } from '../../differential/sandbox-side.ts';
import { namespace, type Side } from '../../differential/side.ts';
import { type PodStory, stories } from '../../differential/stories/all.ts';
import { type KubeletObserver, startKubeletObserver } from '../../differential/stories/kubelet-observer.ts';
import { alike } from '../../differential/stories/moment.ts';
import type { Life } from '../../differential/stories/pod-life.ts';
import { openCluster } from '../harness.ts';
import { openRealSide } from '../real-side.ts';

const clock = systemClock();
const cluster = openCluster(clock, process.env.CLB_DIRECT_CLUSTER);

let real: Side;
let sandbox: Side & AsyncDisposable;
let hooks: AdmissionHooks;
let observer: KubeletObserver;

async function answers(side: Side): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>();
  for (const { name, send } of requests) found.set(name, await send(side).then(answered, failed));
  return found;
}

const answered = ({ status, body }: KubeResponse) => ({ status, body: normalise(body) });
const failed = (error: unknown) => ({ status: 0, body: normalise(String(error)) });

/** Everything found so far. */
const findings: Finding[] = [];

function expectAgreement(of: string, ours: unknown, theirs: unknown): void {
  const found = disagreements(ours, theirs).map(disagreement => ({ ...disagreement, of }));
  findings.push(...found);
  const unlisted = found.filter(finding => !differences.some(difference => covers(difference, finding)));
  const lines = unlisted.map(({ path, sandbox, real }) => `${path}: sandbox ${sandbox}, real ${real}`).join('\n');
  // As the message too, which is not cut.
  expect(lines, lines).toBe('');
}

beforeAll(async () => {
  hooks = await startAdmissionHooks(clock);
  observer = await startKubeletObserver(clock);
  real = await openRealSide(clock, cluster, { hooks, observer });
  sandbox = await startSandboxSide(clock, { hooks, observer });
  await Promise.all([prepare(real), prepare(sandbox)]);
});

afterAll(async () => {
  await sandbox?.[Symbol.asyncDispose]();
  await Promise.all([hooks, observer].map(server => server?.[Symbol.asyncDispose]()));
  const remove = (...what: string[]) => cluster.kubectl(['delete', ...what, '--ignore-not-found', '--timeout=60s']);
  await Promise.all([remove('namespace', namespace), remove('customresourcedefinition', customKindName)]);
});

describe('the sandbox answers as the real API server does when asked to', () => {
  let ours: Map<string, unknown>;
  let theirs: Map<string, unknown>;

  beforeAll(async () => {
    [ours, theirs] = await Promise.all([answers(sandbox), answers(real)]);
  });

  test.each(requests.map(({ name }) => name))('%s', name => {
    expectAgreement(name, ours.get(name), theirs.get(name));
  });
});

describe('a Pod of the sandbox lives as on a real node when it is', () => {
  let lives: Map<string, Promise<readonly [ours: Life, theirs: Life]>>;

  // Beside each other: most of them only wait.
  beforeAll(() => {
    const both = (story: PodStory) => Promise.all([story.tell(sandbox), story.tell(real)] as const);
    lives = new Map(stories.map(story => [story.name, both(story)]));
    for (const life of lives.values()) life.catch(() => undefined);
  });

  test.each(stories.map(({ name }) => name))('%s', async name => {
    const [ours, theirs] = (await lives.get(name)) ?? [];
    expectAgreement(name, ours, theirs && { ...theirs, gaps: alike(ours?.gaps ?? {}, theirs.gaps) });
  });
});

test('every listed difference is one', () => {
  const healed = differences.filter(difference => !findings.some(finding => covers(difference, finding)));
  const lines = healed.map(({ of, path }) => `${of}: ${path} agrees now: take it off the list`).join('\n');
  expect(lines, lines).toBe('');
});

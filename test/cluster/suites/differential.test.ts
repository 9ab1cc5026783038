import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { httpsKubeTransport } from '../../../common/kube/https-transport.ts';
import { loadKubeConfig } from '../../../common/kube/kubeconfig.ts';
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
import { stories } from '../../differential/stories.ts';
import { etcdPort } from '../addresses.ts';
import { openCluster } from '../harness.ts';

const clock = systemClock();
const cluster = openCluster(clock, process.env.CLB_DIRECT_CLUSTER);

let real: Side;
let sandbox: Side & AsyncDisposable;
let hooks: AdmissionHooks;

async function answers(side: Side): Promise<Map<string, unknown>> {
  const found = new Map<string, unknown>();
  for (const { name, send } of requests) found.set(name, await send(side).then(answered, failed));
  return found;
}

/** etcd forgets every version but the present one. */
async function compact(): Promise<void> {
  const etcd = async (path: string, body: object) => {
    const response = await fetch(`http://127.0.0.1:${etcdPort}/v3/${path}`, {
      method: 'POST',
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`etcd: ${await response.text()}`);
    return response.json() as Promise<{ header: { revision: string } }>;
  };
  const { header } = await etcd('maintenance/status', {});
  await etcd('kv/compaction', { revision: header.revision, physical: true });
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
  const kubeconfigPath = cluster.paths.kubeconfig;
  const configuration = await loadKubeConfig({ kubeconfigPath, environment: {} });
  const transport = httpsKubeTransport(configuration);
  hooks = await startAdmissionHooks(clock);
  real = { clock, transport, hooks, node: cluster.nodes[0] ?? '', crashImage: 'echo', forget: compact };
  sandbox = await startSandboxSide(clock, hooks);
  await Promise.all([prepare(real), prepare(sandbox)]);
});

afterAll(async () => {
  await sandbox?.[Symbol.asyncDispose]();
  await hooks?.[Symbol.asyncDispose]();
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
  test.each(stories)('$name', async ({ name, tell }) => {
    const [ours, theirs] = await Promise.all([tell(sandbox), tell(real)]);
    expectAgreement(name, ours, theirs);
  });
});

test('every listed difference is one', () => {
  const healed = differences.filter(difference => !findings.some(finding => covers(difference, finding)));
  const lines = healed.map(({ of, path }) => `${of}: ${path} agrees now: take it off the list`).join('\n');
  expect(lines, lines).toBe('');
});

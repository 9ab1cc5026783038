import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../../common/clock.ts';
import { httpsKubeTransport } from '../../../common/kube/https-transport.ts';
import { loadKubeConfig } from '../../../common/kube/kubeconfig.ts';
import type { KubeResponse } from '../../../common/kube/transport.ts';
import { covers, differences } from '../../differential/differences.ts';
import { disagreements } from '../../differential/disagreements.ts';
import { normalise } from '../../differential/normalise.ts';
import { requests } from '../../differential/requests.ts';
import { startSandboxSide } from '../../differential/sandbox-side.ts';
import { ask, namespace, paths, type Side, succeed } from '../../differential/side.ts';
import { stories } from '../../differential/stories.ts';
import { etcdPort } from '../addresses.ts';
import { openCluster } from '../harness.ts';
import { waitUntil } from '../wait.ts';

const clock = systemClock();
const cluster = openCluster(clock, process.env.CLB_DIRECT_CLUSTER);

let real: Side;
let sandbox: Side & AsyncDisposable;

/** Creates the namespace and waits until Pods can be made in it. */
async function prepare(side: Side): Promise<void> {
  const body = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
  await succeed(ask(side, 'POST', '/api/v1/namespaces', { body }));
  await waitUntil(clock, 'the ServiceAccount of the namespace', 20_000, () =>
    succeed(ask(side, 'GET', `${paths.serviceAccounts}/default`)),
  );
}

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

/** What differs and is not listed; and of what is listed, what does not differ any more. */
function unlisted(name: string, ours: unknown, theirs: unknown): string {
  const found = disagreements(ours, theirs);
  const listed = differences.filter(difference => difference.of === name);
  const healed = listed.filter(difference => !found.some(({ path }) => covers(difference, path)));
  const open = found.filter(({ path }) => !listed.some(difference => covers(difference, path)));
  const lines = [
    ...open.map(({ path, sandbox, real }) => `${path}: sandbox ${sandbox}, real ${real}`),
    ...healed.map(({ path }) => `${path} agrees now: take it off the list`),
  ];
  return lines.join('\n');
}

function expectAgreement(name: string, ours: unknown, theirs: unknown): void {
  const lines = unlisted(name, ours, theirs);
  // As the message too, which is not cut.
  expect(lines, lines).toBe('');
}

beforeAll(async () => {
  const kubeconfigPath = cluster.paths.kubeconfig;
  const configuration = await loadKubeConfig({ kubeconfigPath, environment: {} });
  const transport = httpsKubeTransport(configuration);
  real = { clock, transport, node: cluster.nodes[0] ?? '', crashImage: 'echo', forget: compact };
  sandbox = await startSandboxSide(clock);
  await Promise.all([prepare(real), prepare(sandbox)]);
});

afterAll(async () => {
  await sandbox?.[Symbol.asyncDispose]();
  await cluster.kubectl(['delete', 'namespace', namespace, '--ignore-not-found', '--timeout=60s']);
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

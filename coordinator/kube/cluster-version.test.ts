import { expect, test } from 'vitest';
import { CollectingLogger } from '../../common/collecting-logger.ts';
import { ScriptedTransport } from '../../common/kube/scripted-transport.ts';
import type { KubeResponse } from '../../common/kube/transport.ts';
import { KubeConnectionError } from '../../common/kube/transport.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { checkClusterVersion } from './cluster-version.ts';

function check(answer: () => KubeResponse | Promise<KubeResponse>) {
  const logger = new CollectingLogger();
  const done = checkClusterVersion({ transport: new ScriptedTransport(answer), clock: new VirtualClock(), logger });
  return { done, logger };
}

const versioned = (major: string, minor: string) => () => ({
  status: 200,
  body: { major, minor, gitVersion: `v${major}.${minor}.1` },
});

test.each([
  ['1', '30'],
  ['1', '34+'],
  ['2', '0'],
])('a cluster of version %s.%s is taken', async (major, minor) => {
  await check(versioned(major, minor)).done;
});

test('an older cluster is refused, with its version and what is lost', async () => {
  await expect(check(versioned('1', '29+')).done).rejects.toThrow(
    /Kubernetes v1\.29\+\.1, and 1\.30 or later is needed: .*no agent is believed/,
  );
});

test.each([
  ['a server that is not there', () => Promise.reject(new KubeConnectionError('refused'))],
  ['a refusal', () => ({ status: 403, body: {} })],
  ['junk', () => ({ status: 200, body: 'ok' })],
])('%s keeps nobody from starting', async (_, answer) => {
  const { done, logger } = check(answer as () => KubeResponse);
  await done;
  expect(logger.messages('warn')).toEqual(['the version of the cluster could not be read']);
});

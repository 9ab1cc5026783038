import { beforeEach, expect, test } from 'vitest';
import { ScriptedTransport } from '../../common/kube/scripted-transport.ts';
import { type KubeResponse, KubeResponseError } from '../../common/kube/transport.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { runChecks } from './check.ts';
import { kubeChecks } from './kube-checks.ts';

const LIST = { metadata: { resourceVersion: '7' }, items: [{ metadata: { name: 'a' } }] };
const forbidden = { status: 403, body: { kind: 'Status', message: 'not allowed' } };

let answers: Map<string, KubeResponse>;
let kube: ScriptedTransport;

beforeEach(() => {
  answers = new Map<string, KubeResponse>([
    ['/version', { status: 200, body: { gitVersion: 'v1.32.3' } }],
    ['/api/v1/pods', { status: 200, body: LIST }],
    ['/api/v1/nodes', { status: 200, body: LIST }],
    ['/api/v1/nodes/node1', { status: 200, body: LIST.items[0] }],
  ]);
  kube = new ScriptedTransport(({ path }) => answers.get(path) ?? { status: 500, body: {} });
});

/** What the checks say; the API server does what `onWatch` says to each watch. */
async function say(onWatch: 'end' | 'forbid' = 'end'): Promise<string[]> {
  const clock = new VirtualClock();
  const results = runChecks(clock, kubeChecks({ kube: async () => kube, nodeName: 'node1' }));
  await clock.advance(0);
  for (const watch of kube.watches) {
    if (onWatch === 'end') watch.end();
    else watch.fail(new KubeResponseError(watch.request as never, forbidden));
  }
  return (await results).map(({ finding }) =>
    finding.type === 'found' ? finding.what : `${finding.cause}: ${finding.remedy}`,
  );
}

test('an API server that allows all is told with its version and what it lists', async () => {
  expect(await say()).toEqual(['Kubernetes v1.32.3', '1 listed and watched', '1 listed and watched']);
  expect(kube.watches.map(({ request }) => request.query)).toEqual([
    { fieldSelector: 'spec.nodeName=node1', resourceVersion: '7', timeoutSeconds: '1' },
    { fieldSelector: 'metadata.name=node1', resourceVersion: '7', timeoutSeconds: '1' },
  ]);
});

test('a right that is missing is named', async () => {
  answers.set('/api/v1/pods', forbidden);
  answers.set('/api/v1/nodes/node1', forbidden);
  const [, pods, node] = await say();
  expect(pods).toContain('not allowed: let the ServiceAccount list pods');
  expect(node).toContain('not allowed: let the ServiceAccount get nodes');
});

test('the right to watch is looked at, too', async () => {
  const [, pods, node] = await say('forbid');
  expect(pods).toContain('let the ServiceAccount watch pods');
  expect(node).toContain('let the ServiceAccount watch nodes');
});

test('a node that the cluster does not have is a wrong name', async () => {
  answers.set('/api/v1/nodes/node1', { status: 404, body: {} });
  const [, , node] = await say();
  expect(node).toBe('there is no node node1: take --node-name from spec.nodeName of the Pod');
});

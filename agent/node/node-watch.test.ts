import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CollectingLogger } from '../../common/collecting-logger.ts';
import type { Node } from '../../common/kube/objects.ts';
import { ScriptedTransport } from '../../common/kube/scripted-transport.ts';
import type { NodeNetwork } from '../../common/pods/node-network.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { type NodeNotice, NodeSignKind } from '../../proto/gen/clbdirect/v1/report.ts';
import { noMetrics } from '../metrics.ts';
import { NodeWatch } from './node-watch.ts';
import type { NodeSignSource, Sign } from './sign-source.ts';

const TAINT = { key: 'ToBeDeletedByClusterAutoscaler', value: '1', effect: 'NoSchedule' };
const ENI_IP = 'tke.cloud.tencent.com/eni-ip';

let clock: VirtualClock;
let kube: ScriptedTransport;
let log: CollectingLogger;
let tellShutdown: (signs: readonly Sign[]) => void;
let notices: NodeNotice[];
let networks: NodeNetwork[];
let gauged: (readonly NodeSignKind[])[];
let watch: NodeWatch;
let stop: AbortController;
let stopped: Promise<void>;

function node(fields: Pick<Node, 'spec' | 'status'> = {}): Node {
  return { metadata: { name: 'node1', resourceVersion: '2' }, ...fields };
}

const listOf = (...items: Node[]) => ({ status: 200, body: { metadata: { resourceVersion: '1' }, items } });

beforeEach(async () => {
  clock = new VirtualClock();
  kube = new ScriptedTransport(() => listOf(node()));
  log = new CollectingLogger();
  [notices, networks, gauged] = [[], [], []];
  const logind: NodeSignSource = {
    name: 'logind',
    describe: () => 'scripted',
    run: async tell => {
      tellShutdown = tell;
    },
  };
  watch = new NodeWatch({
    clock,
    log,
    transport: kube,
    random: seededRandom(1),
    metrics: { ...noMetrics(), nodeSigns: kinds => gauged.push(kinds) },
    nodeName: 'node1',
    sources: [logind],
    onNotice: notice => notices.push(notice),
    onNetwork: network => networks.push(network),
  });
  stop = new AbortController();
  stopped = watch.run(stop.signal);
  await clock.advance(0);
});
afterEach(async () => {
  stop.abort();
  await stopped;
});

async function watchSays(type: 'MODIFIED' | 'DELETED', object: Node): Promise<void> {
  kube.watches.at(-1)?.push({ type, object });
  await clock.advance(0);
}

const kinds = () => notices.map(({ signs }) => signs.map(({ kind }) => kind));

describe('a watch of the node', () => {
  test('asks for its own Node alone, and keeps silent while nothing announces an end', () => {
    expect(kube.requests.map(({ path, query }) => [path, query?.fieldSelector])).toEqual([
      ['/api/v1/nodes', 'metadata.name=node1'],
    ]);
    expect(notices).toEqual([]);
  });

  test('says that nothing announces an end only when everything has had its say: the agent before may have told of one (L1)', async () => {
    expect(watch.notice()).toBeUndefined();
    await clock.advance(2_000);
    expect(notices).toEqual([{ signs: [] }]);
    expect(watch.notice()).toEqual({ signs: [] });
  });

  test('tells a taint at once, and that it was taken off', async () => {
    await watchSays('MODIFIED', node({ spec: { taints: [TAINT] } }));
    expect(watch.isNodeEnding()).toBe(true);
    await watchSays('MODIFIED', node());
    expect(kinds()).toEqual([[NodeSignKind.TO_BE_DELETED], []]);
    expect(watch.isNodeEnding()).toBe(false);
    expect(gauged).toEqual(kinds());
  });

  test('tells nothing of a heartbeat of the kubelet', async () => {
    await watchSays('MODIFIED', node({ spec: { unschedulable: true } }));
    for (let beat = 0; beat < 3; beat += 1) {
      await clock.advance(10_000);
      await watchSays('MODIFIED', node({ spec: { unschedulable: true }, status: { capacity: { cpu: `${beat}` } } }));
    }
    expect(kinds()).toEqual([[NodeSignKind.CORDONED]]);
  });

  test('adds what other sources say', async () => {
    await watchSays('MODIFIED', node({ spec: { unschedulable: true } }));
    tellShutdown([{ kind: NodeSignKind.SHUTDOWN, detail: 'logind' }]);
    expect(kinds().at(-1)).toEqual([NodeSignKind.CORDONED, NodeSignKind.SHUTDOWN]);
    expect(log.records.at(-1)).toMatchObject({
      level: 'info',
      fields: { signs: ['cordoned: spec.unschedulable', 'shutdown: logind'] },
    });
  });

  test('keeps its signs while the API server cannot be read, and when the Node is deleted', async () => {
    await watchSays('MODIFIED', node({ spec: { taints: [TAINT] } }));
    await watchSays('DELETED', node({ spec: { taints: [TAINT] } }));
    kube.answer = () => ({ status: 500, body: {} });
    kube.watches.at(-1)?.fail(new Error('connection reset'));
    await clock.advance(120_000);
    expect(watch.isNodeEnding()).toBe(true);
    expect(log.messages('warn')).toContain('the Node object was not listed or watched, will try again');
  });

  test('tells once where Pods get their addresses, and does not forget it with the device plugin', async () => {
    const capacity = { [ENI_IP]: '9' };
    await watchSays('MODIFIED', node({ status: { capacity } }));
    await watchSays('MODIFIED', node({ status: { capacity: { [ENI_IP]: '8' } } }));
    await watchSays('MODIFIED', node());
    expect(networks.map(({ eniResource }) => eniResource)).toEqual([undefined, ENI_IP]);
  });
});

import { beforeEach, describe, expect, test } from 'vitest';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import { silentLogger } from '../../common/logger.ts';
import { seededRandom } from '../../common/random.ts';
import { DrainPhase } from '../../proto/gen/clbdirect/v1/report.ts';
import { TestApi } from '../../sandbox/kube/api/fixtures.ts';
import { podRecord } from '../core/pod.fixture.ts';
import { Knowledge } from '../knowledge.ts';
import { ingressRecord } from '../kube/ingress-reflector.ts';
import type { ServiceRecord } from '../kube/service-reflector.ts';
import { serviceRecord } from '../service.fixture.ts';
import { AdmissionMemory } from './admission-memory.ts';
import { newPod } from './new-pod.fixture.ts';
import type { Surroundings } from './surroundings.ts';

const OUR_CLASS = { loadBalancerClass: 'clb-direct.io/clb', annotations: {}, finalized: false };
const BY_ANNOTATION = { finalized: false };

let api: TestApi;
let knowledge: Knowledge;
let memory: AdmissionMemory;

beforeEach(() => {
  api = new TestApi();
  knowledge = new Knowledge();
  const edges = { transport: api.transport, clock: api.clock, random: seededRandom(1), log: silentLogger };
  memory = new AdmissionMemory({ ...edges, names: DEFAULT_INSTANCE, knowledge });
});

describe('what a replica remembers for admissions', () => {
  test('is nothing at first, so that the marks of a Pod decide alone', () => {
    expect(surroundings()).toEqual({
      namespaceName: 'default',
      namespace: undefined,
      isSelected: false,
      sleepSeconds: 15,
    });
  });

  test('follows namespaces as they come, change and go', async () => {
    await api.post('/api/v1/namespaces', namespace('shop', { 'clb-direct.io/inject': 'true' }));
    await start();
    expect(surroundings('shop').namespace).toEqual({ inject: true, podSecurity: undefined });
    await api.patch('merge', '/api/v1/namespaces/shop', namespace('shop', { 'clb-direct.io/inject': null }));
    await api.clock.advance(1_000);
    expect(surroundings('shop').namespace?.inject).toBeUndefined();
    await api.post('/api/v1/namespaces', namespace('late', { 'pod-security.kubernetes.io/enforce': 'baseline' }));
    await api.clock.advance(1_000);
    expect(surroundings('late').namespace?.podSecurity).toBe('baseline');
  });

  test.each<[string, Partial<ServiceRecord>, boolean]>([
    ['of our class', OUR_CLASS, true],
    ['with direct access', BY_ANNOTATION, true],
    ['of another class', { ...OUR_CLASS, loadBalancerClass: 'other' }, false],
    ['without direct access', { annotations: {}, finalized: false }, false],
    ['that is leaving', { deleting: true }, false],
    ['with another selector', { ...OUR_CLASS, selector: { app: 'other' } }, false],
    ['without a selector', { ...OUR_CLASS, selector: {} }, false],
    ['of another namespace', { ...OUR_CLASS, namespace: 'other' }, false],
  ])('is which Pods a Service selects that is ours: one %s', async (_name, fields, expected) => {
    await start();
    apply(fields);
    expect(surroundings().isSelected).toBe(expected);
  });

  test('forgets a Service that is gone, and one that is no longer ours', async () => {
    await start();
    apply(OUR_CLASS);
    apply({ annotations: {}, finalized: false });
    expect(surroundings().isSelected).toBe(false);
    apply(OUR_CLASS);
    knowledge.services.apply({ type: 'deleted', key: 'default/web', item: undefined, resourceVersion: '9' });
    expect(surroundings().isSelected).toBe(false);
  });

  test('does not take a Service for ours that TKE’s own controller may be serving', async () => {
    apply(BY_ANNOTATION);
    expect(surroundings().isSelected).toBe(false);
    await api.post('/api/v1/namespaces/kube-system/configmaps', {
      metadata: { name: 'tke-service-controller-config' },
    });
    await start();
    expect(surroundings().isSelected).toBe(false);
    apply(OUR_CLASS);
    expect(surroundings().isSelected).toBe(true);
  });

  test('is which Pods an Ingress leads to, also when its Service comes later', async () => {
    await start();
    knowledge.ingresses.apply({ type: 'applied', key: 'default/site', item: ingress(), resourceVersion: '1' });
    expect(surroundings().isSelected).toBe(false);
    apply({ type: 'ClusterIP', annotations: {}, finalized: false });
    expect(surroundings().isSelected).toBe(true);
  });

  test('is how long drains take on the load balancers of the Pod', async () => {
    await start();
    apply({ ...OUR_CLASS, loadBalancerId: 'lb-1' });
    drained(12_000);
    expect(surroundings().sleepSeconds).toBe(14);
    expect(surroundings('other').sleepSeconds).toBe(15);
    drained(60_000, { 'clb-direct.io/minimum-hold-seconds': '60' });
    expect(surroundings().sleepSeconds).toBe(14);
  });

  test('stops with its replica', async () => {
    const stop = await start();
    stop.abort();
    await api.clock.advance(1_000);
    apply(OUR_CLASS);
    expect(surroundings().isSelected).toBe(false);
  });
});

async function start(): Promise<AbortController> {
  const stop = new AbortController();
  void memory.run(stop.signal);
  await api.clock.advance(5_000);
  return stop;
}

function surroundings(namespaceName = 'default'): Surroundings {
  const pod = newPod({});
  pod.metadata.labels = { app: 'web', tier: 'front' };
  return memory.surroundingsOf(namespaceName, pod);
}

function apply(fields: Partial<ServiceRecord>): void {
  const item = serviceRecord(fields);
  knowledge.services.apply({ type: 'applied', key: `${item.namespace}/web`, item, resourceVersion: '1' });
}

function namespace(name: string, labels: Record<string, string | null>) {
  return { metadata: { name, labels } };
}

function ingress() {
  const backend = { service: { name: 'web', port: { number: 80 } } };
  return ingressRecord(
    {
      metadata: { name: 'site', namespace: 'default', uid: 'ingress-uid' },
      spec: { ingressClassName: 'clb-direct', defaultBackend: backend },
    },
    DEFAULT_INSTANCE,
  );
}

/** An agent tells that it held a Pod of the Service for so long. */
function drained(heldMs: number, annotations: Record<string, string> = {}): void {
  const [node, session] = ['n1', 's1'];
  const agent = { agentPodUid: 'agent-uid', agentPodName: 'agent', epoch: 'e1', agentVersion: 'test', startedAtMs: 1 };
  knowledge.applyReport({ ...agent, type: 'opened', node, session }, 0);
  const pods = [podRecord({ annotations })];
  knowledge.applyReport({ type: 'snapshot', node, session, epoch: 'e1', pods, consistent: true }, 0);
  const answer = { reason: 'drained', connectionsLeft: 0, heldMs, lastArrivalMs: undefined };
  const request = { podUid: 'pod-1', phase: DrainPhase.ANSWERED, budgetMs: 0, answer };
  knowledge.applyReport({ type: 'drain', node, session, request }, 0);
}

import { beforeAll, expect, test } from 'vitest';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import { ScriptedTransport } from '../../common/kube/scripted-transport.ts';
import type { KubeRequest } from '../../common/kube/transport.ts';
import { silentLogger } from '../../common/logger.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { Knowledge } from '../../coordinator/knowledge.ts';
import { checkConfigKind } from '../../coordinator/kube/config-kind-check.ts';
import { INGRESS, ReleaseStage, SERVICE } from '../../coordinator/release/release.fixture.ts';
import { TokenReviewer } from '../../coordinator/reports/token-review.ts';
import { AdmissionMemory } from '../../coordinator/webhook/admission-memory.ts';
import { CONFIG_MAP, SECRET, UpkeepStage, WEBHOOK } from '../../coordinator/webhook/upkeep.fixture.ts';
import { IngressEstate } from '../compatibility/ingress-estate.ts';
import { MINUTE_MS, UNHARMED } from '../simulation/load-balancers/estate.ts';
import { findHelm, type Rendered } from './helm.ts';
import { type Deed, deedOf, rightsOf } from './rights.ts';

const BUILD_TIMEOUT_MS = 900_000;
const NAMESPACE = 'clb-direct';

let missing: string | undefined;
let objects: readonly Rendered[] = [];
const deeds = { coordinator: [] as Deed[], agent: [] as Deed[], release: [] as Deed[] };

beforeAll(async () => {
  const helm = await findHelm();
  if (typeof helm === 'string') {
    missing = helm;
    return;
  }
  objects = await helm.render();
  await playProduct();
  await playListeners();
  await playAdmissions();
  await playStart();
  await playRelease();
}, BUILD_TIMEOUT_MS);

/** Coordinators and agents over Services, Ingresses, settings, certificates, lost nodes and a change of the leader. */
async function playProduct(): Promise<void> {
  const seen = new Set<string>();
  const onApiRequest = (username: string, request: KubeRequest, isWatch: boolean) => {
    const process = username.startsWith('coordinator-')
      ? 'coordinator'
      : username.startsWith('agent-')
        ? 'agent'
        : undefined;
    const key = `${process} ${isWatch} ${request.method} ${request.path}`;
    if (process === undefined || seen.has(key)) return;
    seen.add(key);
    deeds[process].push(deedOf(request, isWatch));
  };
  const made = await IngressEstate.make({ seed: 1, agentless: ['node-3'], onApiRequest });
  const { estate } = made;
  const auto = 'cloud.tencent.com/tke-service-config-auto';
  await made.secret('certificate', 'cert-one');
  await estate.open('shop', 3, { annotations: { [`service.${auto}`]: 'true' } });
  await made.backend('web');
  await made.write('front', {
    rules: [['a.com', '/']],
    tls: [{ secretName: 'certificate' }],
    annotations: { [`ingress.${auto}`]: 'true' },
  });
  await estate.untilReady('web', 2);
  await estate.serve('edge');
  await estate.deploy('edge', { replicas: 2, network: 'node', annotations: { 'clb-direct.io/inject': 'true' } });
  // What lacks gate and hook is told of on its owner.
  await estate.serve('bare');
  await estate.deploy('bare', { replicas: 1, annotations: { 'clb-direct.io/inject': 'false' } });
  // What is not understood gets an Event.
  await estate.serve('odd', { annotations: { 'service.cloud.tencent.com/specify-protocol': 'no JSON' } });
  await estate.passes(MINUTE_MS);
  await made.patch('front', {
    spec: {
      rules: [
        {
          host: 'b.com',
          http: {
            paths: [{ path: '/', pathType: 'Prefix', backend: { service: { name: 'web', port: { number: 80 } } } }],
          },
        },
      ],
    },
  });
  await estate.passes(MINUTE_MS);
  await estate.roll('shop');
  await estate.world.request('DELETE', `/apis/coordination.k8s.io/v1/namespaces/${NAMESPACE}/leases/clb-direct`);
  await estate.passes(MINUTE_MS);
  await estate.deleteService('shop');
  await estate.passes(MINUTE_MS);
  expect(await estate.end()).toEqual(UNHARMED);
}

/** What serving over TLS stands on, made and then put right, and an agent's token. */
async function playListeners(): Promise<void> {
  const stage = await new UpkeepStage().prepare();
  const replica = await stage.start();
  replica.lead();
  for (const path of [SECRET, CONFIG_MAP, WEBHOOK]) {
    await stage.api.clock.advance(MINUTE_MS);
    await stage.edit(path, { data: null, webhooks: null });
  }
  await stage.api.clock.advance(MINUTE_MS);
  stage.stop();
  const transport = new ScriptedTransport(() => ({ status: 201, body: {} }));
  const agentServiceAccount = { namespace: NAMESPACE, name: 'clb-direct-agent' };
  const reviewer = new TokenReviewer({ transport, clock: stage.api.clock, agentServiceAccount });
  await reviewer.identify('token', new AbortController().signal).catch(() => undefined);
  deeds.coordinator.push(
    ...replica.requests.map(({ request, isWatch }) => deedOf(request, isWatch)),
    ...transport.requests.map(request => deedOf(request, false)),
  );
}

/** What a replica keeps in memory to answer admissions from. */
async function playAdmissions(): Promise<void> {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const transport = new ScriptedTransport(() => ({
    status: 200,
    body: { metadata: { resourceVersion: '1' }, items: [] },
  }));
  const edges = { transport, clock, random: seededRandom(1), log: silentLogger };
  const running = new AdmissionMemory({ ...edges, names: DEFAULT_INSTANCE, knowledge: new Knowledge() }).run(
    stop.signal,
  );
  await clock.advance(MINUTE_MS);
  stop.abort();
  await running;
  deeds.coordinator.push(
    ...transport.requests.map(request => deedOf(request, false)),
    ...transport.watches.map(({ request }) => deedOf(request, true)),
  );
}

/** A replica that starts where TkeServiceConfigs lack a version. */
async function playStart(): Promise<void> {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const transport = new ScriptedTransport(() => ({ status: 200, body: {} }));
  const replica = { apiVersion: 'v1', kind: 'Pod', namespace: NAMESPACE, name: 'coordinator-1', uid: 'uid' };
  const edges = { transport, clock, random: seededRandom(1), logger: silentLogger };
  const running = checkConfigKind({ ...edges, replica }, stop.signal);
  await clock.advance(MINUTE_MS);
  stop.abort();
  await running;
  deeds.coordinator.push(...transport.requests.map(request => deedOf(request, false)));
}

/** A removal, while somebody else writes the same objects. */
async function playRelease(): Promise<void> {
  const stage = await new ReleaseStage().prepare();
  await stage.addPod('default', 'shut', { hasGate: true });
  const written = new Set([SERVICE, INGRESS]);
  stage.intercept = ({ method, path }) =>
    method === 'PATCH' && written.delete(path) ? { status: 409, body: { reason: 'Conflict' } } : undefined;
  expect(await stage.release()).toEqual([]);
  deeds.release.push(...stage.requests.map(request => deedOf(request, false)));
}

/** Rights that no run here uses, each with who does. */
const usedElsewhere: Readonly<Record<string, string>> = {
  'coordinator: get services': 'service-status.ts reads a Service again that changed while it was written',
  'coordinator: get ingresses.networking.k8s.io': 'and so an Ingress',
  'coordinator: get jobs.batch': 'pod-owners.ts, for a Pod of a Job',
  'agent: get pods': 'deletion-question.ts, when preStop is called before the watch has told of a deletion',
  'agent: get nodes': 'agent --check, whether the node is called so',
};

test.for(['coordinator', 'agent', 'release'] as const)(
  'the %s may do what it does, and nothing more',
  (process, { skip }) => {
    if (missing !== undefined) return skip(missing);
    const rights = rightsOf(objects, `clb-direct-${process}`);
    const refused = deeds[process].filter(deed => !rights.some(right => right.allows(deed)));
    expect([...new Set(refused.map(deed => JSON.stringify(deed)))]).toEqual([]);
    const idle = rights.filter(right => !deeds[process].some(deed => right.allows(deed)));
    const unused = idle.map(({ text }) => `${process}: ${text}`).filter(text => usedElsewhere[text] === undefined);
    expect(unused).toEqual([]);
  },
);

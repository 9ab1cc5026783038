/** What the product's processes ask of the API server over everything they do, all of it in virtual time. */
import assert from 'node:assert/strict';
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

export interface ProductRequest {
  readonly process: 'coordinator' | 'agent' | 'release';
  readonly request: KubeRequest;
  readonly isWatch: boolean;
}

/** Each kind of request at least once. @throws Error when one of the runs did not go as it should */
export async function productRequests(): Promise<readonly ProductRequest[]> {
  const plays = [playProduct, playListeners, playAdmissions, playStart, playRelease];
  const requests: ProductRequest[] = [];
  for (const play of plays) requests.push(...(await play()));
  return requests;
}

/** Coordinators and agents over Services, Ingresses, settings, certificates, lost nodes and a change of the leader. */
async function playProduct(): Promise<readonly ProductRequest[]> {
  const seen = new Map<string, ProductRequest>();
  const onApiRequest = (username: string, request: KubeRequest, isWatch: boolean) => {
    const [process] = username.split('-');
    if (process !== 'coordinator' && process !== 'agent') return;
    const parameters = Object.keys(request.query ?? {});
    seen.set([process, isWatch, request.method, request.path, request.contentType, ...parameters].join(), {
      process,
      request,
      isWatch,
    });
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
  await estate.world.request('DELETE', '/apis/coordination.k8s.io/v1/namespaces/clb-direct/leases/clb-direct');
  await estate.passes(MINUTE_MS);
  await estate.deleteService('shop');
  await estate.passes(MINUTE_MS);
  assert.deepEqual(await estate.end(), UNHARMED);
  return [...seen.values()];
}

/** What serving over TLS stands on, made and then put right, and an agent's token. */
async function playListeners(): Promise<readonly ProductRequest[]> {
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
  const agentServiceAccount = { namespace: 'clb-direct', name: 'clb-direct-agent' };
  const reviewer = new TokenReviewer({ transport, clock: stage.api.clock, agentServiceAccount });
  await reviewer.identify('token', new AbortController().signal).catch(() => undefined);
  return [
    ...replica.requests.map(made => ({ process: 'coordinator' as const, ...made })),
    ...noted('coordinator', transport),
  ];
}

/** What a replica keeps in memory to answer admissions from. */
async function playAdmissions(): Promise<readonly ProductRequest[]> {
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
  return noted('coordinator', transport);
}

/** A replica that starts where TkeServiceConfigs lack a version. */
async function playStart(): Promise<readonly ProductRequest[]> {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const transport = new ScriptedTransport(() => ({ status: 200, body: {} }));
  const replica = { apiVersion: 'v1', kind: 'Pod', namespace: 'clb-direct', name: 'coordinator-1', uid: 'uid' };
  const edges = { transport, clock, random: seededRandom(1), logger: silentLogger };
  const running = checkConfigKind({ ...edges, replica }, stop.signal);
  await clock.advance(MINUTE_MS);
  stop.abort();
  await running;
  return noted('coordinator', transport);
}

/** A removal, while somebody else writes the same objects. */
async function playRelease(): Promise<readonly ProductRequest[]> {
  const stage = await new ReleaseStage().prepare();
  await stage.addPod('default', 'shut', { hasGate: true });
  const written = new Set([SERVICE, INGRESS]);
  stage.intercept = ({ method, path }) =>
    method === 'PATCH' && written.delete(path) ? { status: 409, body: { reason: 'Conflict' } } : undefined;
  assert.deepEqual(await stage.release(), []);
  return noted('release', { requests: stage.requests, watches: [] });
}

function noted(
  process: ProductRequest['process'],
  { requests, watches }: Pick<ScriptedTransport, 'requests' | 'watches'>,
): readonly ProductRequest[] {
  return [
    ...requests.map(request => ({ process, request, isWatch: false })),
    ...watches.map(({ request }) => ({ process, request, isWatch: true })),
  ];
}

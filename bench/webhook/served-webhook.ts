import type { Clock } from '../../common/clock.ts';
import { DEFAULT_INSTANCE } from '../../common/instance-names.ts';
import { ScriptedTransport } from '../../common/kube/scripted-transport.ts';
import { silentLogger } from '../../common/logger.ts';
import { LOAD_BALANCER_CLASS } from '../../common/names.ts';
import { seededRandom } from '../../common/random.ts';
import { Knowledge } from '../../coordinator/knowledge.ts';
import { serviceRecord } from '../../coordinator/service.fixture.ts';
import { AdmissionMemory } from '../../coordinator/webhook/admission-memory.ts';
import { servingNames } from '../../coordinator/webhook/certificate-bundle.ts';
import { listenForAdmissions } from '../../coordinator/webhook/https-listener.ts';
import { DEFAULT_INJECTION_POLICY } from '../../coordinator/webhook/inject.ts';
import { x509Issuer } from '../../coordinator/webhook/x509-issuer.ts';

export interface ClusterSize {
  readonly namespaces: number;
  /** Claimed ones, all of them in the namespace of the Pods that are made. */
  readonly services: number;
}

/** Where a webhook listens. */
export interface ServedWebhook {
  readonly port: number;
  readonly caPem: string;
}

const HOUR_MS = 3_600_000;
export const NAMESPACE = 'shop';

/** One replica's webhook behind TLS, that knows a cluster; it serves until its process ends. */
export async function serveWebhook(clock: Clock, size: ClusterSize): Promise<ServedWebhook> {
  const memory = await rememberedCluster(clock, size);
  const issuer = x509Issuer();
  const life = { notBeforeMs: clock.wallNow() - HOUR_MS, notAfterMs: clock.wallNow() + HOUR_MS };
  const authority = await issuer.issueAuthority(life);
  const { port } = await listenForAdmissions({
    host: '127.0.0.1',
    port: 0,
    certificate: await issuer.issueServing(authority, servingNames('clb-direct'), life),
    policy: DEFAULT_INJECTION_POLICY,
    surroundingsOf: (namespace, pod) => memory.surroundingsOf(namespace, pod),
    clock,
    logger: silentLogger,
  });
  return { port, caPem: authority.certificatePem };
}

async function rememberedCluster(clock: Clock, size: ClusterSize): Promise<AdmissionMemory> {
  const knowledge = new Knowledge();
  for (let index = 0; index < size.services; index += 1) {
    const item = serviceRecord({
      uid: `service-${index}`,
      namespace: NAMESPACE,
      name: `service-${index}`,
      loadBalancerClass: LOAD_BALANCER_CLASS,
      selector: { app: `app-${index}`, tier: 'front' },
    });
    knowledge.services.apply({ type: 'applied', key: `${NAMESPACE}/${item.name}`, item, resourceVersion: '1' });
  }
  const items = Array.from({ length: size.namespaces }, (_, index) => ({
    metadata: { name: index === 0 ? NAMESPACE : `namespace-${index}`, labels: { 'clb-direct.io/inject': 'maybe' } },
  }));
  const transport = new ScriptedTransport(({ path }) =>
    path.endsWith('/namespaces')
      ? { status: 200, body: { metadata: { resourceVersion: '1' }, items } }
      : { status: 404, body: { kind: 'Status' } },
  );
  const listed = Promise.withResolvers<void>();
  const watch = transport.watch.bind(transport);
  transport.watch = (request, limit) => {
    listed.resolve();
    return watch(request, limit);
  };
  const memory = new AdmissionMemory({
    names: DEFAULT_INSTANCE,
    knowledge,
    transport,
    clock,
    random: seededRandom(1),
    log: silentLogger,
  });
  void memory.run(new AbortController().signal);
  await listed.promise;
  return memory;
}

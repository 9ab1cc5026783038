import type { Clock } from '../../common/clock.ts';
import { createAll } from '../cluster/manifest.ts';
import { COORDINATOR_REPLICAS, PRODUCT_NAMESPACE } from '../cluster/product-manifests.ts';
import type { Sandbox } from '../cluster/start-sandbox.ts';
import { ClusterReader } from './cluster-reader.ts';
import { kubectlTable } from './kubectl-table.ts';
import type { Progress } from './progress.ts';
import { exampleManifest, SIDES, sideManifests } from './workloads.ts';

export interface DemoOptions {
  readonly sandbox: Sandbox;
  readonly clock: Clock;
  readonly progress: Progress;
  /** Of each side. */
  readonly replicas: number;
}

const START_LIMIT_MS = 40_000;
const SERVICE_LIMIT_MS = 60_000;
const EXAMPLE = { deployment: 'nginx-deployment-eni.yaml', service: 'nginx-service-eni.yaml', replicas: 3 };
const EXAMPLE_PODS = 'app=nginx';

/** Waits for clb-direct's own Pods. */
export async function awaitProduct({ sandbox, clock, progress }: DemoOptions, signal: AbortSignal): Promise<void> {
  const reader = new ClusterReader({ ...sandbox, clock }, signal);
  const wanted = COORDINATOR_REPLICAS + sandbox.plan.nodes.length;
  const missing = async () =>
    (await reader.missingReadyPods('app.kubernetes.io/name=clb-direct', wanted, PRODUCT_NAMESPACE)) ??
    (await reader.missingWebhook('clb-direct'));
  const what = `clb-direct runs: ${COORDINATOR_REPLICAS} coordinators, ${sandbox.plan.nodes.length} agents`;
  await progress.until(what, { limitMs: START_LIMIT_MS, missing }, signal);
}

/** The main job: the two manifests, unchanged, until the Service has its address and every Pod its gate. */
export async function applyExamples({ sandbox, clock, progress }: DemoOptions, signal: AbortSignal): Promise<void> {
  const { client } = sandbox;
  const files = [EXAMPLE.deployment, EXAMPLE.service];
  for (const file of files) progress.say(`$ kubectl apply -f examples/${file}`);
  await createAll(client, files.map(exampleManifest), signal);
  const reader = new ClusterReader({ ...sandbox, clock }, signal);
  const missing = async () =>
    (await reader.missingExternalIp('nginx-service-eni')) ??
    (await reader.missingReadyPods(EXAMPLE_PODS, EXAMPLE.replicas));
  await progress.until(
    'EXTERNAL-IP is there and every readiness gate open',
    { limitMs: SERVICE_LIMIT_MS, missing },
    signal,
  );
}

/** What kubectl shows of the examples. */
export async function exampleTables({ sandbox }: DemoOptions, signal: AbortSignal): Promise<string> {
  const services = { resource: 'services', labelSelector: EXAMPLE_PODS, isWide: false } as const;
  const pods = { resource: 'pods', labelSelector: EXAMPLE_PODS, isWide: true } as const;
  return [
    '$ kubectl get service nginx-service-eni',
    await kubectlTable(sandbox.transport, services, signal),
    '',
    '$ kubectl get pods -l app=nginx -o wide',
    await kubectlTable(sandbox.transport, pods, signal),
  ].join('\n');
}

/** Creates both sides' Deployments and Services. */
export async function applySides({ sandbox, replicas }: DemoOptions, signal: AbortSignal): Promise<void> {
  await createAll(
    sandbox.client,
    SIDES.flatMap(side => sideManifests(side, replicas)),
    signal,
  );
}

export async function awaitSides(
  { sandbox, clock, progress, replicas }: DemoOptions,
  signal: AbortSignal,
): Promise<void> {
  const reader = new ClusterReader({ ...sandbox, clock }, signal);
  const missing = async () => {
    const parts = await Promise.all(
      SIDES.map(
        async side =>
          (await reader.missingExternalIp(side)) ?? (await reader.missingReadyPods(`app=${side}`, replicas)),
      ),
    );
    return parts.find(part => part !== undefined);
  };
  await progress.until(`the two sides serve: ${SIDES.join(' and ')}`, { limitMs: SERVICE_LIMIT_MS, missing }, signal);
}

import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../common/clock.ts';
import type { KubeObject } from '../../common/kube/objects.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Logger } from '../../common/logger.ts';
import type { Random } from '../../common/random.ts';
import { readObject, writeObject } from './kube-object.ts';
import { runPeriodically } from './periodic-task.ts';

const CONFIGURATION_NAME = 'clb-direct';
const WEBHOOK_SERVICE_NAME = 'clb-direct-webhook';
const WEBHOOK_SERVICE_PORT = 9444;
export const WEBHOOK_PATH = '/mutate-pods';
const COLLECTION = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
const CHECK_INTERVAL_MS = 10_000;
const CHECK_TIMEOUT_MS = 10_000;

interface WebhookConfiguration extends KubeObject {
  webhooks?: unknown;
}

export interface ConfigurationOptions {
  readonly transport: KubeTransport;
  /** Where the webhook's Service is. */
  readonly namespace: string;
  /** The CA that signs the webhook's certificate, as it is now. */
  readonly caPem: () => string;
}

export type ConfigurationOutcome = 'unchanged' | 'created' | 'repaired';

/**
 * Makes the MutatingWebhookConfiguration what it has to be; labels and annotations of others stay.
 * @throws KubeResponseError, KubeConnectionError, or Error when another writer was faster.
 */
export async function ensureWebhookConfiguration(
  { transport, namespace, caPem }: ConfigurationOptions,
  signal: AbortSignal,
): Promise<ConfigurationOutcome> {
  const found = await readObject<WebhookConfiguration>(transport, `${COLLECTION}/${CONFIGURATION_NAME}`, signal);
  const webhooks = [desiredWebhook(namespace, caPem())];
  if (isDeepStrictEqual(found?.webhooks, webhooks)) return 'unchanged';
  const body: WebhookConfiguration = {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: { name: CONFIGURATION_NAME, labels: { 'app.kubernetes.io/name': 'clb-direct' }, ...found?.metadata },
    webhooks,
  };
  if (await writeObject(transport, COLLECTION, body, signal)) return found ? 'repaired' : 'created';
  throw new Error(
    `MutatingWebhookConfiguration ${CONFIGURATION_NAME} was changed by another writer at the same moment`,
  );
}

/** Ensures it every ten seconds until the signal aborts. Meant for the leader. Never throws. */
export function keepWebhookConfiguration(
  options: ConfigurationOptions & {
    clock: Clock;
    random: Random;
    logger: Logger;
    onWritten?: (outcome: 'created' | 'repaired') => void;
  },
  signal: AbortSignal,
): Promise<void> {
  const run = async (limit: AbortSignal) => {
    const outcome = await ensureWebhookConfiguration(options, limit);
    if (outcome === 'unchanged') return;
    options.logger.info('webhook configuration written', { name: CONFIGURATION_NAME, outcome });
    options.onWritten?.(outcome);
  };
  const task = { name: 'webhook configuration', intervalMs: CHECK_INTERVAL_MS, timeoutMs: CHECK_TIMEOUT_MS, run };
  return runPeriodically({ ...options, ...task }, signal);
}

/** Every field is written out, defaults too, so that what comes back can be compared as a whole. */
function desiredWebhook(namespace: string, caPem: string): object {
  const excluding = (key: string, value: string) => ({
    matchExpressions: [{ key, operator: 'NotIn', values: [value] }],
  });
  return {
    name: 'pods.clb-direct.io',
    admissionReviewVersions: ['v1'],
    clientConfig: {
      caBundle: Buffer.from(caPem).toString('base64'),
      service: { name: WEBHOOK_SERVICE_NAME, namespace, path: WEBHOOK_PATH, port: WEBHOOK_SERVICE_PORT },
    },
    failurePolicy: 'Ignore',
    matchPolicy: 'Equivalent',
    namespaceSelector: excluding('kubernetes.io/metadata.name', 'kube-system'),
    // Our own Pods must be able to start when nobody serves the webhook yet.
    objectSelector: excluding('app.kubernetes.io/name', 'clb-direct'),
    reinvocationPolicy: 'IfNeeded',
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], scope: 'Namespaced' }],
    sideEffects: 'None',
    timeoutSeconds: 3,
  };
}

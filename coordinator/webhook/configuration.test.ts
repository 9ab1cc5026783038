import { beforeEach, describe, expect, test } from 'vitest';
import type { KubeObject } from '../../common/kube/objects.ts';
import { silentLogger } from '../../common/logger.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import { ensureWebhookConfiguration, keepWebhookConfiguration } from './configuration.ts';
import { StoredObjects } from './stored-objects.ts';

const PATH = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/clb-direct';
const signal = new AbortController().signal;

interface Configuration extends KubeObject {
  webhooks: { failurePolicy: string; clientConfig: { caBundle: string } }[];
}

let server: StoredObjects;
let caPem: string;

beforeEach(() => {
  server = new StoredObjects();
  caPem = 'CA 1';
});

describe('the webhook configuration', () => {
  test('sends creations of Pods to our Service, and lets them pass when nobody answers', async () => {
    expect(await ensure()).toBe('created');
    expect(stored().webhooks).toMatchObject([
      {
        failurePolicy: 'Ignore',
        timeoutSeconds: 3,
        sideEffects: 'None',
        reinvocationPolicy: 'IfNeeded',
        matchPolicy: 'Equivalent',
        rules: [{ operations: ['CREATE'], resources: ['pods'] }],
        namespaceSelector: { matchExpressions: [{ operator: 'NotIn', values: ['kube-system'] }] },
        clientConfig: {
          caBundle: btoa('CA 1'),
          service: { name: 'clb-direct-webhook', namespace: 'clb-direct', port: 9444, path: '/mutate-pods' },
        },
      },
    ]);
  });

  test('is not written again while it is right, whoever labels it', async () => {
    await ensure();
    const object = stored();
    server.put(PATH, { ...object, metadata: { ...object.metadata, labels: { team: 'net' } } });
    expect(await ensure()).toBe('unchanged');
  });

  test('is repaired when edited, keeping the labels of others', async () => {
    await ensure();
    const object = structuredClone(stored());
    for (const webhook of object.webhooks) webhook.failurePolicy = 'Fail';
    object.metadata.labels = { team: 'net' };
    server.put(PATH, object);
    expect(await ensure()).toBe('repaired');
    expect(stored()).toMatchObject({ metadata: { labels: { team: 'net' } }, webhooks: [{ failurePolicy: 'Ignore' }] });
  });

  test('follows the CA', async () => {
    await ensure();
    caPem = 'CA 2';
    expect(await ensure()).toBe('repaired');
    expect(stored().webhooks[0]?.clientConfig.caBundle).toBe(btoa('CA 2'));
  });

  test('is back within ten seconds of its deletion, and after a time without API server', async () => {
    const clock = new VirtualClock();
    const stop = new AbortController();
    const written: string[] = [];
    const onWritten = (outcome: string) => written.push(outcome);
    const loop = { ...options(), clock, random: seededRandom(1), logger: silentLogger, onWritten };
    const done = keepWebhookConfiguration(loop, stop.signal);
    await clock.advance(60_000);
    expect(written).toEqual(['created']);
    server.objects.clear();
    await clock.advance(10_000);
    expect(written).toEqual(['created', 'created']);
    server.reachable = false;
    await clock.advance(60_000);
    server.objects.clear();
    server.reachable = true;
    await clock.advance(15_000);
    expect(written).toEqual(['created', 'created', 'created']);
    stop.abort();
    await done;
  });
});

function options() {
  return { transport: server, namespace: 'clb-direct', caPem: () => caPem };
}

function ensure() {
  return ensureWebhookConfiguration(options(), signal);
}

function stored(): Configuration {
  return server.objects.get(PATH) as Configuration;
}

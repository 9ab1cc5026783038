import { describe, expect, test } from 'vitest';
import { DEFAULT_INSTANCE, instanceNames } from '../../common/instance-names.ts';
import type { ApiObject, JsonObject } from '../../sandbox/kube/api/json.ts';
import { holdConditions } from '../../sandbox/kube/api/match-conditions.ts';
import { matchesLabelSelector } from '../../sandbox/kube/api/selectors.ts';
import { webhookConfiguration } from './configuration.ts';

test('the webhook configuration sends creations of Pods to our Service, and lets them pass when nobody answers', () => {
  const { desired } = webhookConfiguration({
    namespace: 'clb-direct',
    caPem: () => 'CA 1',
    isWanted: true,
    names: DEFAULT_INSTANCE,
  });
  expect(desired()).toMatchObject([
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

describe('the API server does not ask us about Pods that are never injected', () => {
  const [webhook] = webhookConfiguration({
    namespace: 'clb-direct',
    caPem: () => 'CA 1',
    isWanted: true,
    names: DEFAULT_INSTANCE,
  }).desired() as [JsonObject];
  const isAsked = (annotations?: Record<string, string>) =>
    holdConditions(webhook, { metadata: { name: 'web-1', ...(annotations && { annotations }) } } as ApiObject);

  test.each<[string, Record<string, string> | undefined, boolean]>([
    ['without annotations', undefined, true],
    ['with others', { team: 'shop' }, true],
    ['that ask for it', { 'clb-direct.io/inject': 'true' }, true],
    ['that decline', { 'clb-direct.io/inject': 'false' }, false],
    ['that mirror a file', { 'kubernetes.io/config.mirror': 'x' }, false],
  ])('%s', (_name, annotations, expected) => {
    expect(isAsked(annotations)).toBe(expected);
  });
});

test('each of two instances asks for its own Pods alone', () => {
  const selects = (names = DEFAULT_INSTANCE) => {
    const { desired } = webhookConfiguration({ namespace: 'clb-direct', caPem: () => '', isWanted: true, names });
    const [{ objectSelector }] = desired() as [{ objectSelector: JsonObject }];
    const pods = [{}, { 'clb-direct.io/instance': 'inner' }, { 'clb-direct.io/instance': 'other' }];
    return pods.map(labels => matchesLabelSelector(objectSelector, labels));
  };
  expect(selects()).toEqual([true, false, false]);
  expect(selects(instanceNames({ name: 'inner', hookPort: 19_450 }))).toEqual([false, true, false]);
});

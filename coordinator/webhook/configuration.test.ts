import { expect, test } from 'vitest';
import { webhookConfiguration } from './configuration.ts';

test('the webhook configuration sends creations of Pods to our Service, and lets them pass when nobody answers', () => {
  const { desired } = webhookConfiguration({ namespace: 'clb-direct', caPem: () => 'CA 1' });
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

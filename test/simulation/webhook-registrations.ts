import type { InstanceNames } from '../../common/instance-names.ts';
import { webhookConfiguration } from '../../coordinator/webhook/configuration.ts';

export const WEBHOOKS = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

/** As the product registers the webhook of an instance, but for where it is called. */
export function registrationOf({ names, namespace }: { names: InstanceNames; namespace: string }): object {
  const { desired } = webhookConfiguration({ namespace, names, caPem: () => '', parts: 1 });
  const [webhook] = desired() as object[];
  return {
    metadata: { name: names.webhookConfiguration },
    webhooks: [{ ...webhook, clientConfig: { url: `https://${namespace}.simulated/mutate-pods` } }],
  };
}

/** Of the only instance: it is asked about every Pod. */
export function onlyRegistration(): object {
  return {
    metadata: { name: 'clb-direct' },
    webhooks: [
      {
        name: 'pods.clb-direct.io',
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
        failurePolicy: 'Ignore',
        clientConfig: { url: 'https://coordinator.simulated/mutate-pods' },
        rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'] }],
      },
    ],
  };
}

import type { InstanceNames } from '../../common/instance-names.ts';
import { resourcePath } from '../../common/kube/paths.ts';
import { INJECT_ANNOTATION, INSTANCE_LABEL } from '../../common/names.ts';
import type { ObjectShape } from './kept-object.ts';
import { MIRROR_ANNOTATION } from './selection.ts';

const WEBHOOK_SERVICE_NAME = 'clb-direct-webhook';
const WEBHOOK_SERVICE_PORT = 9444;
export const WEBHOOK_PATH = '/mutate-pods';
const GROUP = 'admissionregistration.k8s.io';

/** In CEL. Pods that are never injected do not wait for us, nor for anybody to answer in our place. */
const MATCH_CONDITIONS = [
  { name: 'is-no-mirror-pod', expression: `!(${hasAnnotation(MIRROR_ANNOTATION)})` },
  {
    name: 'does-not-decline',
    expression: `!(${hasAnnotation(INJECT_ANNOTATION)} && object.metadata.annotations['${INJECT_ANNOTATION}'] == 'false')`,
  },
];

export interface ConfigurationOptions {
  /** Where the webhook's Service is. */
  readonly namespace: string;
  /** What the API server has to trust, as it is now. */
  readonly caPem: () => string;
  /** Whether Pods are sent to us at all. */
  readonly isWanted: boolean;
  readonly names: InstanceNames;
}

/** The webhook's registration with the API server: all of its webhooks are ours, labels and annotations are not. */
export function webhookConfiguration({ namespace, caPem, isWanted, names }: ConfigurationOptions): ObjectShape {
  return {
    apiVersion: `${GROUP}/v1`,
    kind: 'MutatingWebhookConfiguration',
    collection: resourcePath({ group: GROUP, version: 'v1', resource: 'mutatingwebhookconfigurations' }),
    name: names.webhookConfiguration,
    desired: () => (isWanted ? [desiredWebhook(namespace, caPem(), names)] : []),
    // The API server leaves an empty list out.
    observed: found => found.webhooks ?? [],
    withDesired: (base, webhooks) => ({ ...base, webhooks }),
  };
}

/** Every field is written out, defaults too, so that what comes back can be compared as a whole. */
function desiredWebhook(namespace: string, caPem: string, { name }: InstanceNames): object {
  const excluding = (key: string, value: string) => ({ key, operator: 'NotIn', values: [value] });
  const isOfThisInstance = name
    ? { key: INSTANCE_LABEL, operator: 'In', values: [name] }
    : { key: INSTANCE_LABEL, operator: 'DoesNotExist' };
  return {
    name: 'pods.clb-direct.io',
    admissionReviewVersions: ['v1'],
    clientConfig: {
      caBundle: Buffer.from(caPem).toString('base64'),
      service: { name: WEBHOOK_SERVICE_NAME, namespace, path: WEBHOOK_PATH, port: WEBHOOK_SERVICE_PORT },
    },
    failurePolicy: 'Ignore',
    matchConditions: MATCH_CONDITIONS,
    matchPolicy: 'Equivalent',
    namespaceSelector: { matchExpressions: [excluding('kubernetes.io/metadata.name', 'kube-system')] },
    // Our own Pods must be able to start when nobody serves the webhook yet.
    objectSelector: { matchExpressions: [excluding('app.kubernetes.io/name', 'clb-direct'), isOfThisInstance] },
    reinvocationPolicy: 'IfNeeded',
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], scope: 'Namespaced' }],
    sideEffects: 'None',
    timeoutSeconds: 3,
  };
}

function hasAnnotation(name: string): string {
  return `has(object.metadata.annotations) && '${name}' in object.metadata.annotations`;
}

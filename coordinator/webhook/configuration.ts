import type { InstanceNames } from '../../common/instance-names.ts';
import { resourcePath } from '../../common/kube/paths.ts';
import { APPLICATION_GRACE_ANNOTATION, HOOK_PATH, INJECT_ANNOTATION, INSTANCE_LABEL } from '../../common/names.ts';
import type { ObjectShape } from './kept-object.ts';
import { MIRROR_ANNOTATION } from './selection.ts';

const WEBHOOK_SERVICE_NAME = 'clb-direct-webhook';
export const WEBHOOK_PATH = '/mutate-pods';
const GROUP = 'admissionregistration.k8s.io';

interface Entry {
  readonly name: string;
  /** Of the Service. */
  readonly port: number;
  readonly timeoutSeconds: number;
}

/**
 * What the API server calls for a new Pod, in this order: as many as the coordinators have parts. It calls an entry once, at
 * whatever endpoint it takes to be ready; one that was killed a moment ago is among them. Each port leads to the coordinators
 * of another part, so that an entry is answered as long as one part lives. All together keep a Pod waiting for 6 s at the most.
 */
const ENTRIES: readonly Entry[] = [
  { name: 'pods.clb-direct.io', port: 9444, timeoutSeconds: 3 },
  { name: 'second.pods.clb-direct.io', port: 9445, timeoutSeconds: 2 },
  { name: 'third.pods.clb-direct.io', port: 9446, timeoutSeconds: 1 },
];
export const PARTS_MAX = ENTRIES.length;

export interface ConfigurationOptions {
  /** Where the webhook's Service is. */
  readonly namespace: string;
  /** What the API server has to trust, as it is now. */
  readonly caPem: () => string;
  /** Into how many parts the coordinators are divided, up to `PARTS_MAX`; 0: Pods are not sent to us at all. */
  readonly parts: number;
  readonly names: InstanceNames;
}

/** The webhook's registration with the API server: all of its webhooks are ours, labels and annotations are not. */
export function webhookConfiguration({ namespace, caPem, parts, names }: ConfigurationOptions): ObjectShape {
  return {
    apiVersion: `${GROUP}/v1`,
    kind: 'MutatingWebhookConfiguration',
    collection: resourcePath({ group: GROUP, version: 'v1', resource: 'mutatingwebhookconfigurations' }),
    name: names.webhookConfiguration,
    desired: () => ENTRIES.slice(0, parts).map(entry => desiredWebhook(entry, { namespace, caPem: caPem(), names })),
    // The API server leaves an empty list out.
    observed: found => found.webhooks ?? [],
    withDesired: (base, webhooks) => ({ ...base, webhooks }),
  };
}

/** Every field is written out, defaults too, so that what comes back can be compared as a whole. */
function desiredWebhook(
  { port, ...entry }: Entry,
  { namespace, caPem, names }: { namespace: string; caPem: string; names: InstanceNames },
): object {
  const excluding = (key: string, value: string) => ({ key, operator: 'NotIn', values: [value] });
  const isOfThisInstance = names.name
    ? { key: INSTANCE_LABEL, operator: 'In', values: [names.name] }
    : { key: INSTANCE_LABEL, operator: 'DoesNotExist' };
  return {
    ...entry,
    admissionReviewVersions: ['v1'],
    clientConfig: {
      caBundle: Buffer.from(caPem).toString('base64'),
      service: { name: WEBHOOK_SERVICE_NAME, namespace, path: WEBHOOK_PATH, port },
    },
    failurePolicy: 'Ignore',
    matchConditions: matchConditions(names),
    matchPolicy: 'Equivalent',
    namespaceSelector: { matchExpressions: [excluding('kubernetes.io/metadata.name', 'kube-system')] },
    // Our own Pods must be able to start when nobody serves the webhook yet.
    objectSelector: { matchExpressions: [excluding('app.kubernetes.io/name', 'clb-direct'), isOfThisInstance] },
    reinvocationPolicy: 'IfNeeded',
    rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], scope: 'Namespaced' }],
    sideEffects: 'None',
  };
}

/**
 * In CEL. Pods that are never injected, or that were, do not wait for us, nor for anybody to answer in our place. A Pod that
 * one entry has answered for is not sent to the next, nor to the one before again, which was changed by what came after it.
 */
function matchConditions({ readinessGate }: InstanceNames): readonly object[] {
  const declines = `object.metadata.annotations['${INJECT_ANNOTATION}'] == 'false'`;
  return [
    { name: 'is-no-mirror-pod', expression: `!(${hasAnnotation(MIRROR_ANNOTATION)})` },
    { name: 'does-not-decline', expression: `!(${hasAnnotation(INJECT_ANNOTATION)} && ${declines})` },
    { name: 'is-not-injected', expression: `!(${isInjected(readinessGate)})` },
  ];
}

function hasAnnotation(name: string): string {
  return `has(object.metadata.annotations) && '${name}' in object.metadata.annotations`;
}

/** Has our note, our gate, and a hook that calls an agent on each container; Pods whose hooks sleep are asked about again. */
function isInjected(readinessGate: string): string {
  const isHooked = [
    'has(container.lifecycle)',
    'has(container.lifecycle.preStop)',
    'has(container.lifecycle.preStop.httpGet)',
    'has(container.lifecycle.preStop.httpGet.path)',
    `container.lifecycle.preStop.httpGet.path.startsWith('${HOOK_PATH}')`,
  ].join(' && ');
  return [
    hasAnnotation(APPLICATION_GRACE_ANNOTATION),
    'has(object.spec.readinessGates)',
    `object.spec.readinessGates.exists(gate, gate.conditionType == '${readinessGate}')`,
    `object.spec.containers.all(container, ${isHooked})`,
  ].join(' && ');
}

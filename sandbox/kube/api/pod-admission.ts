import { forbidden } from './api-error.ts';
import { type ApiObject, objectOf, objectsOf, stringOf, withFields } from './json.ts';
import { POD, SERVICE_ACCOUNT } from './kinds.ts';
import type { Store } from './store.ts';

/** How long Pods stay on a node that is not ready or unreachable, unless they say so themselves. */
const NODE_PROBLEM_TOLERATION_SECONDS = 300;
const NODE_PROBLEMS = ['node.kubernetes.io/not-ready', 'node.kubernetes.io/unreachable'];

/**
 * The real server's built-in admission of new Pods, as far as others rely on it: ServiceAccount (without mounting a
 * token), Priority, DefaultTolerationSeconds.
 * @throws ApiError 403 when the ServiceAccount does not exist.
 */
export function admitPod(store: Store, namespace: string, pod: ApiObject): ApiObject {
  const spec = objectOf(pod.spec);
  const serviceAccountName = stringOf(spec.serviceAccountName) || 'default';
  if (!store.get(SERVICE_ACCOUNT, namespace, serviceAccountName)) {
    const missing = `serviceaccount "${serviceAccountName}" not found`;
    const why = `error looking up service account ${namespace}/${serviceAccountName}: ${missing}`;
    throw forbidden(POD, pod.metadata.name, why);
  }
  const tolerations = objectsOf(spec.tolerations);
  const tolerates = (key: string) =>
    tolerations.some(({ key: own, effect }) => (!own || own === key) && (!effect || effect === 'NoExecute'));
  const added = NODE_PROBLEMS.filter(key => !tolerates(key)).map(key => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: NODE_PROBLEM_TOLERATION_SECONDS,
  }));
  return withFields(pod, {
    spec: {
      priority: 0,
      preemptionPolicy: 'PreemptLowerPriority',
      enableServiceLinks: true,
      ...spec,
      serviceAccountName,
      serviceAccount: serviceAccountName,
      tolerations: [...tolerations, ...added],
    },
  });
}

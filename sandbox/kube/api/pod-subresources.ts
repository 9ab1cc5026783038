import type { Clock } from '../../../common/clock.ts';
import { ApiError, badRequest, conflict, notFound } from './api-error.ts';
import { type ApiObject, type JsonObject, numberOf, objectOf, objectsOf, stringOf, withFields } from './json.ts';
import { NODE, POD, POD_DISRUPTION_BUDGET } from './kinds.ts';
import type { DeleteOptions, Registry } from './registry.ts';
import { matchesLabelSelector } from './selectors.ts';
import type { Store } from './store.ts';
import { timestampOf } from './timestamp.ts';

export interface PodSubresourceOptions {
  readonly store: Store;
  readonly registry: Registry;
  readonly clock: Pick<Clock, 'wallNow'>;
}

const SUCCESS: JsonObject = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 };

/** Puts a Pod on a node, once. @throws ApiError 404, 409 when it is assigned or being deleted. */
export function bindPod(options: PodSubresourceOptions, namespace: string, name: string, body: JsonObject): JsonObject {
  const target = objectOf(body.target);
  const nodeName = stringOf(target.name);
  if (!nodeName || (target.kind !== undefined && target.kind !== 'Node')) {
    throw badRequest('a binding needs a target of kind Node with a name');
  }
  const uid = stringOf(objectOf(body.metadata).uid) || undefined;
  const pod = options.registry.get(POD, namespace, name);
  if (uid !== undefined && uid !== pod.metadata.uid) throw conflict(POD, name, `the UID in the binding is ${uid}`);
  if (pod.metadata.deletionTimestamp) {
    throw conflict(POD, name, `pod ${name} is being deleted, cannot be assigned to a host`);
  }
  const spec = objectOf(pod.spec);
  if (spec.nodeName) throw conflict(POD, name, `pod ${name} is already assigned to node "${stringOf(spec.nodeName)}"`);
  if (!options.store.get(NODE, undefined, nodeName)) throw notFound(NODE, nodeName);
  const bound = withFields(pod, { spec: { ...spec, nodeName } });
  options.store.put(POD, withCondition(bound, { type: 'PodScheduled', status: 'True' }, options.clock.wallNow()));
  return SUCCESS;
}

/**
 * Deletes a Pod unless a PodDisruptionBudget forbids it now.
 * @throws ApiError 429 when the budget is used up, 500 when two budgets select the Pod.
 */
export function evictPod(
  options: PodSubresourceOptions,
  namespace: string,
  name: string,
  deletion: DeleteOptions,
): JsonObject {
  const pod = options.registry.get(POD, namespace, name);
  if (!isIgnoredByBudgets(pod)) takeFromBudget(options, namespace, pod);
  if (!pod.metadata.deletionTimestamp) {
    const reason = { reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' };
    const condition = { type: 'DisruptionTarget', status: 'True', ...reason };
    options.store.put(POD, withCondition(pod, condition, options.clock.wallNow()));
  }
  options.registry.delete(POD, namespace, name, deletion);
  return SUCCESS;
}

function isIgnoredByBudgets(pod: ApiObject): boolean {
  const phase = stringOf(objectOf(pod.status).phase);
  return Boolean(pod.metadata.deletionTimestamp) || ['Succeeded', 'Failed', 'Pending'].includes(phase);
}

function takeFromBudget(options: PodSubresourceOptions, namespace: string, pod: ApiObject): void {
  const labels = pod.metadata.labels ?? {};
  const budgets = options.store
    .list(POD_DISRUPTION_BUDGET, namespace)
    .filter(budget => matchesLabelSelector(objectOf(objectOf(budget.spec).selector), labels));
  const [budget, second] = budgets;
  if (second) {
    const message = 'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.';
    throw new ApiError(500, 'InternalError', message);
  }
  if (!budget) return;
  const status = objectOf(budget.status);
  const allowed = numberOf(status.disruptionsAllowed) ?? 0;
  const name = budget.metadata.name;
  if ((numberOf(status.observedGeneration) ?? 0) < (budget.metadata.generation ?? 0)) {
    throw overBudget(`The disruption budget ${name} is still being processed by the server.`);
  }
  if (allowed <= 0) {
    const [needed, healthy] = [numberOf(status.desiredHealthy) ?? 0, numberOf(status.currentHealthy) ?? 0];
    throw overBudget(`The disruption budget ${name} needs ${needed} healthy pods and has ${healthy} currently`);
  }
  const disruptedPods = {
    ...objectOf(status.disruptedPods),
    [pod.metadata.name]: timestampOf(options.clock.wallNow()),
  };
  options.store.put(
    POD_DISRUPTION_BUDGET,
    withFields(budget, { status: { ...status, disruptionsAllowed: allowed - 1, disruptedPods } }),
  );
}

function overBudget(cause: string): ApiError {
  const message = "Cannot evict pod as it would violate the pod's disruption budget.";
  return new ApiError(429, 'TooManyRequests', message, { causes: [{ reason: 'DisruptionBudget', message: cause }] });
}

function withCondition(pod: ApiObject, condition: JsonObject, wallNowMs: number): ApiObject {
  const status = objectOf(pod.status);
  const others = objectsOf(status.conditions).filter(({ type }) => type !== condition.type);
  const conditions = [...others, { ...condition, lastTransitionTime: timestampOf(wallNowMs) }];
  return withFields(pod, { status: { ...status, conditions } });
}

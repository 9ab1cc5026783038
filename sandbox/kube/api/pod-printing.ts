import { humanDuration } from './age.ts';
import { type ApiObject, type JsonObject, numberOf, objectOf, objectsOf, stringOf, valueAt } from './json.ts';

/** `2/3`: ready containers of all, restartable init containers included, as kubectl's READY column counts. */
export function podReadiness(pod: ApiObject): string {
  const statuses = statusesOf(pod, 'containerStatuses');
  const ready = statuses.filter(status => status.ready === true).length;
  return `${ready}/${objectsOf(objectOf(pod.spec).containers).length}`;
}

/** `1/2`: how many of the Pod's readiness gates are open. */
export function podReadinessGates(pod: ApiObject): string {
  const gates = objectsOf(objectOf(pod.spec).readinessGates);
  if (gates.length === 0) return '<none>';
  const conditions = objectsOf(objectOf(pod.status).conditions);
  const open = gates.filter(({ conditionType }) =>
    conditions.some(({ type, status }) => type === conditionType && status === 'True'),
  );
  return `${open.length}/${gates.length}`;
}

/** `0`, or `3 (5m ago)`. */
export function podRestarts(pod: ApiObject, wallNow: number): string {
  const statuses = statusesOf(pod, 'containerStatuses');
  const restarts = statuses.reduce((sum, status) => sum + (numberOf(status.restartCount) ?? 0), 0);
  const ends = statuses
    .map(status => Date.parse(stringOf(valueAt(status, 'lastState', 'terminated', 'finishedAt'))))
    .filter(end => !Number.isNaN(end));
  if (restarts === 0 || ends.length === 0) return String(restarts);
  return `${restarts} (${humanDuration(wallNow - Math.max(...ends))} ago)`;
}

/** The STATUS column: the most telling of deletion, init containers, containers and phase (printers' printPod). */
export function podStatus(pod: ApiObject): string {
  const status = objectOf(pod.status);
  if (pod.metadata.deletionTimestamp) return status.reason === 'NodeLost' ? 'Unknown' : 'Terminating';
  const initializing = initReason(pod);
  if (initializing) return initializing;
  const containers = statusesOf(pod, 'containerStatuses');
  const reason = containers.map(reasonOf).find(Boolean) ?? (stringOf(status.reason) || stringOf(status.phase));
  const isRunning = containers.some(container => valueAt(container, 'state', 'running') && container.ready === true);
  if (reason !== 'Completed' || !isRunning) return reason;
  return isReady(pod) ? 'Running' : 'NotReady';
}

function isReady(pod: ApiObject): boolean {
  const conditions = objectsOf(objectOf(pod.status).conditions);
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}

function initReason(pod: ApiObject): string | undefined {
  const total = objectsOf(objectOf(pod.spec).initContainers).length;
  const statuses = statusesOf(pod, 'initContainerStatuses');
  const index = statuses.findIndex(
    status => valueAt(status, 'state', 'terminated', 'exitCode') !== 0 && status.started !== true,
  );
  const pending = statuses[index];
  if (!pending) return undefined;
  const reason = reasonOf(pending);
  return reason && reason !== 'PodInitializing' ? `Init:${reason}` : `Init:${index}/${total}`;
}

function reasonOf(status: JsonObject): string | undefined {
  const waiting = stringOf(valueAt(status, 'state', 'waiting', 'reason'));
  if (waiting) return waiting;
  const terminated = valueAt(status, 'state', 'terminated');
  if (terminated === undefined) return undefined;
  const { reason, signal, exitCode } = objectOf(terminated);
  if (reason) return stringOf(reason);
  return signal ? `Signal:${String(signal)}` : `ExitCode:${String(exitCode)}`;
}

function statusesOf(pod: ApiObject, field: 'containerStatuses' | 'initContainerStatuses'): JsonObject[] {
  return objectsOf(objectOf(pod.status)[field]);
}

import assert from 'node:assert/strict';
import { Caller, type CallerOptions, type Send } from './caller.ts';
import { classify } from './classify.ts';
import { MalformedReplyError } from './failures.ts';
import * as replies from './replies.ts';
import * as requests from './requests.ts';
import { pollTask } from './task-poller.ts';
import type {
  Binding,
  Cloud,
  CloudResult,
  ListenerRequest,
  LoadBalancer,
  LoadBalancerQuery,
  LoadBalancerRequest,
  TargetHealth,
  WeightChange,
} from './types.ts';

/** 5,000 load balancers: fifty times the default quota of a region. */
const LOAD_BALANCER_PAGES_MAX = 50;

export interface ClbCloud extends Cloud {
  /** Calls that wait for the rate limit now; for metrics. */
  waiting(): number;
}

/** CLB over the given transport. Writes are never repeated here: the lane reads first and decides (law L8). */
export function clbCloud(options: CallerOptions): ClbCloud {
  const caller = new Caller(options);
  const { writeTimeoutMs, configurationTimeoutMs } = caller.limits;
  const awaitTask = taskWaiter(caller, options);
  return {
    waiting: () => caller.waiting(),
    describeLoadBalancers: (query, signal) => describeLoadBalancers(caller, query, signal),
    createLoadBalancer: (request, signal) =>
      caller.write('CreateLoadBalancer', configurationTimeoutMs, signal, (send, limit) =>
        createLoadBalancer(request, send, taskId => awaitTask(taskId, limit)),
      ),
    deleteLoadBalancer: (id, signal) =>
      caller.write('DeleteLoadBalancer', configurationTimeoutMs, signal, async (send, limit) => {
        const taskId = await send('DeleteLoadBalancer', { LoadBalancerIds: [id] }, replies.requestId);
        await awaitTask(taskId, limit);
      }),
    describeListeners: (id, signal) =>
      caller.read('DescribeListeners', { LoadBalancerId: id }, replies.listeners, signal),
    createListeners: (id, request, signal) =>
      caller.write('CreateListener', configurationTimeoutMs, signal, (send, limit) =>
        createListeners(id, request, send, taskId => awaitTask(taskId, limit)),
      ),
    deleteListeners: (id, listenerIds, signal) =>
      caller.write('DeleteLoadBalancerListeners', configurationTimeoutMs, signal, (send, limit) =>
        deleteListeners(id, listenerIds, send, taskId => awaitTask(taskId, limit)),
      ),
    describeTargets: (id, listenerIds, signal) => describeTargets(caller, id, listenerIds, signal),
    describeTargetHealth: (ids, signal) => describeTargetHealth(caller, ids, signal),
    createRules: (id, listenerId, rules, signal) =>
      caller.write('CreateRule', configurationTimeoutMs, signal, async (send, limit) => {
        const parameters = requests.createRuleParameters(id, listenerId, rules);
        const made = await send('CreateRule', parameters, reply => ({
          ids: replies.locationIds(reply, rules.length),
          taskId: replies.requestId(reply),
        }));
        await awaitTask(made.taskId, limit);
        return made.ids;
      }),
    deleteRules: (id, listenerId, locationIds, signal) =>
      caller.write('DeleteRule', configurationTimeoutMs, signal, async (send, limit) => {
        assert(locationIds.length > 0, 'a deletion names its rules');
        const parameters = { LoadBalancerId: id, ListenerId: listenerId, LocationIds: locationIds };
        await awaitTask(await send('DeleteRule', parameters, replies.requestId), limit);
      }),
    describeQuota: signal => caller.read('DescribeQuota', {}, replies.quota, signal),
    modifyTags: (id, targets, signal) =>
      caller.write('BatchModifyTargetTag', writeTimeoutMs, signal, async send => {
        await send('BatchModifyTargetTag', requests.modifyTagParameters(id, targets), () => undefined);
      }),
    registerTargets: (id, targets, signal) =>
      caller.write('BatchRegisterTargets', writeTimeoutMs, signal, send =>
        send('BatchRegisterTargets', requests.registerParameters(id, targets), replies.batchOutcome),
      ),
    deregisterTargets: (id, targets, signal) =>
      caller.write('BatchDeregisterTargets', writeTimeoutMs, signal, send =>
        send('BatchDeregisterTargets', requests.deregisterParameters(id, targets), replies.batchOutcome),
      ),
    modifyWeights: (id, targets, signal) =>
      caller.write('BatchModifyTargetWeight', writeTimeoutMs, signal, (send, limit) =>
        modifyWeights(id, targets, send, taskId => awaitTask(taskId, limit)),
      ),
  };
}

type AwaitTask = (taskId: string) => Promise<Readonly<Record<string, unknown>>>;

function taskWaiter(caller: Caller, { clock }: CallerOptions) {
  const describe = (taskId: string, signal: AbortSignal) =>
    caller.readOnce('DescribeTaskStatus', { TaskId: taskId }, reply => reply, signal);
  return (taskId: string, signal: AbortSignal) => pollTask(taskId, { clock, describe }, signal);
}

async function createLoadBalancer(request: LoadBalancerRequest, send: Send, awaitTask: AwaitTask): Promise<string> {
  const made = await send('CreateLoadBalancer', requests.createLoadBalancerParameters(request), reply => ({
    ids: replies.loadBalancerIds(reply),
    taskId: replies.requestId(reply),
  }));
  const ended = await awaitTask(made.taskId);
  const [id] = [...made.ids, ...replies.loadBalancerIds(ended)];
  if (id === undefined) throw new MalformedReplyError('neither the reply nor its task names the load balancer made');
  return id;
}

async function createListeners(
  loadBalancerId: string,
  request: ListenerRequest,
  send: Send,
  awaitTask: AwaitTask,
): Promise<string[]> {
  const ids: string[] = [];
  for (const ports of requests.chunks(request.ports, requests.CREATE_LISTENERS_MAX)) {
    const parameters = requests.createListenerParameters(loadBalancerId, request, ports);
    const made = await send('CreateListener', parameters, reply => ({
      ids: replies.listenerIds(reply, ports.length),
      taskId: replies.requestId(reply),
    }));
    await awaitTask(made.taskId);
    ids.push(...made.ids);
  }
  return ids;
}

async function deleteListeners(
  loadBalancerId: string,
  listenerIds: readonly string[],
  send: Send,
  awaitTask: AwaitTask,
): Promise<void> {
  for (const ids of requests.chunks(listenerIds, requests.DELETE_LISTENERS_MAX)) {
    assert(ids.length > 0, 'without a list CLB would delete every listener');
    const parameters = { LoadBalancerId: loadBalancerId, ListenerIds: ids };
    await awaitTask(await send('DeleteLoadBalancerListeners', parameters, replies.requestId));
  }
}

async function modifyWeights(
  loadBalancerId: string,
  targets: readonly WeightChange[],
  send: Send,
  awaitTask: AwaitTask,
): Promise<void> {
  for (const parameters of requests.modifyWeightParameters(loadBalancerId, targets)) {
    await awaitTask(await send('BatchModifyTargetWeight', parameters, replies.requestId));
  }
}

async function describeTargets(
  caller: Caller,
  loadBalancerId: string,
  listenerIds: readonly string[],
  signal: AbortSignal,
): Promise<CloudResult<Binding[]>> {
  const pages: object[] = requests.chunks(listenerIds, requests.DESCRIBE_IDS_MAX).map(ids => ({ ListenerIds: ids }));
  return concatenate(pages.length > 0 ? pages : [{}], page =>
    caller.read('DescribeTargets', { LoadBalancerId: loadBalancerId, ...page }, replies.bindings, signal),
  );
}

/** One unknown id may fail the whole request; so the list is halved until the unknown one stands alone. */
async function describeTargetHealth(
  caller: Caller,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<CloudResult<TargetHealth[]>> {
  assert(ids.length > 0 && ids.length <= requests.DESCRIBE_HEALTH_IDS_MAX, `health of ${ids.length} load balancers`);
  const result = await caller.read('DescribeTargetHealth', { LoadBalancerIds: ids }, replies.targetHealth, signal);
  if (result.ok || !result.error.notFound) return result;
  if (ids.length === 1) return { ok: true, value: [] };
  const halves = requests.chunks(ids, Math.ceil(ids.length / 2));
  return concatenate(halves, half => describeTargetHealth(caller, half, signal));
}

async function describeLoadBalancers(
  caller: Caller,
  query: LoadBalancerQuery,
  signal: AbortSignal,
): Promise<CloudResult<LoadBalancer[]>> {
  const filters = query.tags ? { Filters: requests.tagFilters(query.tags) } : {};
  if (query.ids === undefined) return describeAllPages(caller, filters, signal);
  return concatenate(requests.chunks(query.ids, requests.DESCRIBE_IDS_MAX), ids =>
    describeById(caller, ids, filters, signal),
  );
}

/** One unknown id may fail the whole request; so the list is halved until the unknown one stands alone. */
async function describeById(
  caller: Caller,
  ids: readonly string[],
  filters: object,
  signal: AbortSignal,
): Promise<CloudResult<readonly LoadBalancer[]>> {
  const parameters = { LoadBalancerIds: ids, ...filters };
  const result = await caller.read('DescribeLoadBalancers', parameters, replies.loadBalancerPage, signal);
  if (result.ok) return { ok: true, value: result.value.items };
  if (!result.error.notFound) return result;
  if (ids.length === 1) return { ok: true, value: [] };
  const halves = requests.chunks(ids, Math.ceil(ids.length / 2));
  return concatenate(halves, half => describeById(caller, half, filters, signal));
}

async function describeAllPages(
  caller: Caller,
  filters: object,
  signal: AbortSignal,
): Promise<CloudResult<LoadBalancer[]>> {
  const found = new Map<string, LoadBalancer>();
  for (let page = 0; page < LOAD_BALANCER_PAGES_MAX; page += 1) {
    const Offset = page * requests.LOAD_BALANCER_PAGE_SIZE;
    const parameters = { Limit: requests.LOAD_BALANCER_PAGE_SIZE, Offset, ...filters };
    const result = await caller.read('DescribeLoadBalancers', parameters, replies.loadBalancerPage, signal);
    if (!result.ok) return result;
    for (const each of result.value.items) found.set(each.id, each);
    const end = Offset + result.value.items.length;
    if (end === Offset || end >= result.value.totalCount) return { ok: true, value: [...found.values()] };
  }
  const error = new MalformedReplyError(`more than ${LOAD_BALANCER_PAGES_MAX} pages of load balancers`);
  return { ok: false, error: classify('DescribeLoadBalancers', error) };
}

/** The values of all parts in order, or the first error. */
async function concatenate<Part, T>(
  parts: readonly Part[],
  read: (part: Part) => Promise<CloudResult<readonly T[]>>,
): Promise<CloudResult<T[]>> {
  const values: T[] = [];
  for (const part of parts) {
    const result = await read(part);
    if (!result.ok) return result;
    values.push(...result.value);
  }
  return { ok: true, value: values };
}

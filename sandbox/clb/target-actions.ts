import { type Binding, DEFAULT_WEIGHT, machineFields, machineReader, port, weight } from './binding.ts';
import { ClbError } from './clb-error.ts';
import { list, object, text } from './parameters.ts';
import { placeOf } from './place.ts';
import { type Action, type ActionContext, action, type BusyForm, type Plan, writableLoadBalancer } from './plan.ts';
import { type Listener, type LoadBalancer, listenerOf } from './state.ts';
import { deregistration, registration } from './target-outcome.ts';
import { batchPlan } from './target-write.ts';

const BATCH_TARGETS_MAX = 500;

const batchTarget = object({
  required: { ListenerId: text(), Port: port },
  optional: { ...machineFields, Weight: weight, LocationId: text(), Tag: text() },
});

const batchParameters = object({
  required: { LoadBalancerId: text(), Targets: list(batchTarget, 1, BATCH_TARGETS_MAX) },
  optional: {},
});

type BatchParameters = ReturnType<typeof batchParameters>;
type BatchTargets = BatchParameters['Targets'];

interface Batch {
  readonly loadBalancer: LoadBalancer;
  readonly bindings: readonly Binding[];
  /** FailListenerIdSet and Message. */
  readonly answer: Record<string, unknown>;
}

function readBatch(
  context: ActionContext,
  parameters: BatchParameters,
  busyForm: BusyForm,
  duplicateCode: string,
): Batch {
  const loadBalancer = writableLoadBalancer(context, parameters.LoadBalancerId, busyForm);
  checkDuplicates(parameters.Targets, duplicateCode);
  const listeners = knownListeners(context, loadBalancer, parameters.Targets);
  const failing = context.spoils.failing([...listeners.keys()]);
  const machineOf = machineReader(context, loadBalancer);
  const bindings = parameters.Targets.flatMap((target, index) => {
    const listener = listeners.get(target.ListenerId);
    if (!listener) return [];
    const place = placeOf(listener, target);
    const machine = machineOf(target, `Targets.${index}`);
    if (failing.has(target.ListenerId)) return [];
    const { Port: port, Weight: weight = DEFAULT_WEIGHT, Tag: tag = '' } = target;
    return [{ place, ...machine, port, weight, tag }];
  });
  const unknown = [...new Set(parameters.Targets.map(target => target.ListenerId))].filter(id => !listeners.has(id));
  return { loadBalancer, bindings, answer: batchAnswer(unknown, [...failing]) };
}

function checkDuplicates(targets: BatchTargets, code: string): void {
  const seen = new Set<string>();
  for (const target of targets) {
    const machine = target.InstanceId ?? target.EniIp;
    const key = `${target.ListenerId} ${target.LocationId ?? ''} ${machine}:${target.Port}`;
    if (seen.has(key)) throw new ClbError(code, `Targets has a duplicate: ${key}.`);
    seen.add(key);
  }
}

/** Without the unknown ones where the manners let only their own targets fail. */
function knownListeners(context: ActionContext, loadBalancer: LoadBalancer, targets: BatchTargets) {
  const known = new Map<string, Listener>();
  for (const { ListenerId: id } of targets) {
    const isLeftOut = context.settings.manners.unknownListener === 'fail-set' && !loadBalancer.listeners.has(id);
    if (!isLeftOut) known.set(id, listenerOf(loadBalancer, id));
  }
  return known;
}

function batchAnswer(unknown: readonly string[], failing: readonly string[]): Record<string, unknown> {
  const messages = [
    ...unknown.map(id => `Listener ${id} not exists.`),
    ...failing.map(id => `Listener ${id} failed by a fault of the sandbox.`),
  ];
  return { FailListenerIdSet: [...unknown, ...failing], Message: messages.join(' ') };
}

function registerTargets(context: ActionContext, parameters: BatchParameters): Plan {
  const { loadBalancer, bindings, answer } = readBatch(context, parameters, 'published', 'InvalidParameterValue');
  const apply = registration(context, loadBalancer, bindings);
  return batchPlan(context, { loadBalancer, size: parameters.Targets.length, answersWhen: 'done', answer, apply });
}

function deregisterTargets(context: ActionContext, parameters: BatchParameters): Plan {
  const { loadBalancer, bindings, answer } = readBatch(context, parameters, 'plain', 'InvalidParameterValue.Duplicate');
  const apply = deregistration(context, loadBalancer, bindings);
  return batchPlan(context, { loadBalancer, size: parameters.Targets.length, answersWhen: 'done', answer, apply });
}

export const targetActions: Readonly<Record<string, Action>> = {
  BatchRegisterTargets: action(batchParameters, registerTargets),
  BatchDeregisterTargets: action(batchParameters, deregisterTargets),
};

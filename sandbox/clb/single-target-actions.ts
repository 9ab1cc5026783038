import { type Binding, DEFAULT_WEIGHT, machineFields, machineReader, port, weight } from './binding.ts';
import { ClbError } from './clb-error.ts';
import { list, object, text } from './parameters.ts';
import { placeOf, ruleNames } from './place.ts';
import { type Action, type ActionContext, action, type BusyForm, type Plan, writableLoadBalancer } from './plan.ts';
import { type LoadBalancer, listenerOf, targetKey } from './state.ts';
import { deregistration, modification, registration } from './target-outcome.ts';
import { singlePlan } from './target-write.ts';

/** The older calls: a task for the targets of one listener or rule. */

const TARGETS_MAX = 20;

const target = object({
  required: { Port: port },
  optional: { ...machineFields, Weight: weight, Type: text(), Tag: text() },
});

const targets = { ListenerId: text(), LoadBalancerId: text(), Targets: list(target, 1, TARGETS_MAX) };
const parameters = object({ required: targets, optional: ruleNames });
const weightParameters = object({ required: targets, optional: { ...ruleNames, Weight: weight } });

type Parameters = ReturnType<typeof weightParameters>;

/** @throws ClbError InvalidParameterValue.Duplicate, and what its parts are refused for. */
function bindingsOf(context: ActionContext, loadBalancer: LoadBalancer, request: Parameters): Binding[] {
  const place = placeOf(listenerOf(loadBalancer, request.ListenerId), request);
  const machineOf = machineReader(context, loadBalancer);
  const bindings = request.Targets.map((given, index) => ({
    place,
    ...machineOf(given, `Targets.${index}`),
    port: given.Port,
    weight: given.Weight ?? request.Weight ?? DEFAULT_WEIGHT,
    tag: given.Tag ?? '',
  }));
  if (new Set(bindings.map(targetKey)).size === bindings.length) return bindings;
  throw new ClbError('InvalidParameterValue.Duplicate', 'Targets has a duplicate.');
}

function planFor(
  context: ActionContext,
  request: Parameters,
  busyForm: BusyForm,
  outcomeOf: typeof registration,
): Plan {
  const loadBalancer = writableLoadBalancer(context, request.LoadBalancerId, busyForm);
  const apply = outcomeOf(context, loadBalancer, bindingsOf(context, loadBalancer, request));
  return singlePlan(context, { loadBalancer, size: request.Targets.length, apply });
}

export const singleTargetActions: Readonly<Record<string, Action>> = {
  RegisterTargets: action(parameters, (context, request) => planFor(context, request, 'published', registration)),
  DeregisterTargets: action(parameters, (context, request) => planFor(context, request, 'plain', deregistration)),
  ModifyTargetWeight: action(weightParameters, (context, request) =>
    planFor(context, request, 'published', (...known) => modification(...known, 'weight')),
  ),
};

import {
  type Binding,
  DEFAULT_WEIGHT,
  type MachineName,
  machineFields,
  machineReader,
  port,
  weight,
} from './binding.ts';
import { ClbError } from './clb-error.ts';
import { list, object, text } from './parameters.ts';
import { placeOf, ruleNames } from './place.ts';
import { type Action, type ActionContext, action, type Plan, writableLoadBalancer } from './plan.ts';
import { type LoadBalancer, listenerOf } from './state.ts';
import { modification } from './target-outcome.ts';
import { batchPlan } from './target-write.ts';

/** Of one call, over all its entries. */
const TARGETS_MAX = 500;
const WEIGHT_ENTRIES_MAX = 100;
const WEIGHT_ENTRY_TARGETS_MAX = 50;

const weightTarget = object({
  required: { Port: port },
  optional: { ...machineFields, Weight: weight, Type: text() },
  unmodelled: ['Tag'],
});

const weightEntry = object({
  required: { ListenerId: text(), Targets: list(weightTarget, 1, WEIGHT_ENTRY_TARGETS_MAX) },
  optional: { ...ruleNames, Weight: weight },
});

const weightParameters = object({
  required: { LoadBalancerId: text(), ModifyList: list(weightEntry, 1, WEIGHT_ENTRIES_MAX) },
  optional: {},
});

const tagTarget = object({
  required: { Port: port },
  optional: { ...machineFields, Tag: text(), Type: text() },
  unmodelled: ['Weight'],
});

const tagEntry = object({
  required: { ListenerId: text(), Targets: list(tagTarget, 1, TARGETS_MAX) },
  optional: { LocationId: text(), Tag: text() },
});

const tagParameters = object({
  required: { LoadBalancerId: text(), ModifyList: list(tagEntry, 1, TARGETS_MAX) },
  optional: {},
});

interface Entry<T> {
  readonly ListenerId: string;
  readonly LocationId?: string;
  readonly Targets: readonly T[];
}

function sizeOf(entries: readonly Entry<unknown>[]): number {
  return entries.reduce((sum, entry) => sum + entry.Targets.length, 0);
}

function bindingsOf<T extends MachineName & { readonly Port: number }, E extends Entry<T>>(
  context: ActionContext,
  loadBalancer: LoadBalancer,
  entries: readonly E[],
  changeOf: (entry: E, target: E['Targets'][number]) => { readonly weight: number } | { readonly tag: string },
): Binding[] {
  const size = sizeOf(entries);
  if (size > TARGETS_MAX) {
    throw new ClbError('InvalidParameterValue.Length', `ModifyList has ${size} targets; at most ${TARGETS_MAX}.`);
  }
  const machineOf = machineReader(context, loadBalancer);
  return entries.flatMap((entry, index) => {
    const place = placeOf(listenerOf(loadBalancer, entry.ListenerId), entry);
    return entry.Targets.map((target, position) => ({
      place,
      ...machineOf(target, `ModifyList.${index}.Targets.${position}`),
      port: target.Port,
      weight: DEFAULT_WEIGHT,
      tag: '',
      ...changeOf(entry, target),
    }));
  });
}

/** The weight of a target goes before that of its entry. */
function modifyWeights(context: ActionContext, parameters: ReturnType<typeof weightParameters>): Plan {
  const { ModifyList: entries } = parameters;
  const loadBalancer = writableLoadBalancer(context, parameters.LoadBalancerId, 'plain');
  const bindings = bindingsOf(context, loadBalancer, entries, (entry, target) => ({
    weight: target.Weight ?? entry.Weight ?? DEFAULT_WEIGHT,
  }));
  const apply = modification(context, loadBalancer, bindings, 'weight');
  return batchPlan(context, { loadBalancer, size: sizeOf(entries), answersWhen: 'accepted', apply });
}

/** The tag of a target goes before that of its entry. */
function modifyTags(context: ActionContext, parameters: ReturnType<typeof tagParameters>): Plan {
  const { ModifyList: entries } = parameters;
  const loadBalancer = writableLoadBalancer(context, parameters.LoadBalancerId, 'published');
  const bindings = bindingsOf(context, loadBalancer, entries, (entry, target) => ({
    tag: target.Tag ?? entry.Tag ?? '',
  }));
  const apply = modification(context, loadBalancer, bindings, 'tag');
  return batchPlan(context, { loadBalancer, size: sizeOf(entries), answersWhen: 'done', apply });
}

export const targetChangeActions: Readonly<Record<string, Action>> = {
  BatchModifyTargetWeight: action(weightParameters, modifyWeights),
  BatchModifyTargetTag: action(tagParameters, modifyTags),
};

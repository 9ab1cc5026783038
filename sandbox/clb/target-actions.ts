import { ClbError } from './clb-error.ts';
import { integer, ipv4Address, list, object, text } from './parameters.ts';
import { type Action, type ActionContext, action, type BusyForm, type Plan, writableLoadBalancer } from './plan.ts';
import { type Listener, type LoadBalancer, listenerOf, type TargetChange, targetKey } from './state.ts';

const BATCH_TARGETS_MAX = 500;
const WEIGHT_ENTRIES_MAX = 100;
const ENTRY_TARGETS_MAX = 50;
const DEFAULT_WEIGHT = 10;

const port = integer(1, 65_535, 'InvalidParameter.PortCheckFailed');
const weight = integer(0, 100);
const UNMODELLED_TARGET = ['InstanceId'];

const batchTarget = object({
  required: { ListenerId: text(), Port: port },
  optional: { EniIp: ipv4Address, Weight: weight, LocationId: text(), Tag: text() },
  unmodelled: UNMODELLED_TARGET,
});

type BatchTarget = ReturnType<typeof batchTarget>;

const batchParameters = object({
  required: { LoadBalancerId: text(), Targets: list(batchTarget, 1, BATCH_TARGETS_MAX) },
  optional: {},
});

type BatchParameters = ReturnType<typeof batchParameters>;

/** One target of a batch whose listener exists. */
interface Binding {
  readonly listener: Listener;
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly tag: string;
}

interface Batch {
  readonly loadBalancer: LoadBalancer;
  readonly bindings: readonly Binding[];
  readonly failedListenerIds: readonly string[];
}

function readBatch(
  context: ActionContext,
  parameters: BatchParameters,
  busyForm: BusyForm,
  duplicateCode: string,
): Batch {
  const loadBalancer = writableLoadBalancer(context, parameters.LoadBalancerId, busyForm);
  checkDuplicates(parameters.Targets, duplicateCode);
  const failedListenerIds = new Set<string>();
  const bindings = parameters.Targets.flatMap((target, index) => {
    const listener = loadBalancer.listeners.get(target.ListenerId);
    if (!listener && context.settings.manners.unknownListener === 'fail-set') {
      failedListenerIds.add(target.ListenerId);
      return [];
    }
    checkLocation(target.LocationId);
    return [
      {
        listener: listener ?? listenerOf(loadBalancer, target.ListenerId),
        address: addressOf(target.EniIp, `Targets.${index}`),
        port: target.Port,
        weight: target.Weight ?? DEFAULT_WEIGHT,
        tag: target.Tag ?? '',
      },
    ];
  });
  return { loadBalancer, bindings, failedListenerIds: [...failedListenerIds] };
}

function checkDuplicates(targets: readonly BatchTarget[], code: string): void {
  const seen = new Set<string>();
  for (const target of targets) {
    const key = `${target.ListenerId} ${target.LocationId ?? ''} ${target.EniIp}:${target.Port}`;
    if (seen.has(key)) throw new ClbError(code, `Targets has a duplicate: ${key}.`);
    seen.add(key);
  }
}

function checkLocation(locationId: string | undefined): void {
  if (locationId === undefined || locationId === '') return;
  throw new ClbError('InvalidParameter.LocationNotFound', `Location ${locationId} not exists.`);
}

function addressOf(address: string | undefined, path: string): string {
  if (address !== undefined) return address;
  throw new ClbError('InvalidParameter', `One of InstanceId and EniIp must be given in ${path}.`);
}

function batchAnswer(failedListenerIds: readonly string[]): Record<string, unknown> {
  const message = failedListenerIds.map(id => `Listener ${id} not exists.`).join(' ');
  return { FailListenerIdSet: failedListenerIds, Message: message };
}

/** How long a batch takes is told by what was sent, not by what came of it. */
function batchPlan(
  context: ActionContext,
  batch: { readonly loadBalancer: LoadBalancer; readonly size: number; readonly answersWhen: 'accepted' | 'done' },
  answer: Record<string, unknown>,
  apply: () => readonly TargetChange[],
): Plan {
  const { batchBaseMs, batchPerTargetMs } = context.settings.latency;
  return {
    kind: 'write',
    locks: [batch.loadBalancer],
    size: batch.size,
    answersWhen: batch.answersWhen,
    answer,
    steps: [{ afterMs: batchBaseMs + batch.size * batchPerTargetMs, apply }],
  };
}

function registerTargets(context: ActionContext, parameters: BatchParameters): Plan {
  const batch = readBatch(context, parameters, 'published', 'InvalidParameterValue');
  const { manners, quota } = context.settings;
  for (const binding of batch.bindings) {
    if (binding.tag.length > manners.tagLengthMax) {
      throw new ClbError('InvalidParameterValue.Length', `Length of \`Tag\` must not exceed ${manners.tagLengthMax}.`);
    }
    if (manners.registerExisting === 'error' && find(binding)) {
      throw new ClbError(
        'InvalidParameterValue',
        `${targetKey(binding)} is already bound to ${binding.listener.settings.id}.`,
      );
    }
  }
  checkTargetQuota(batch.bindings, quota.targetsPerListener);
  const { loadBalancer, failedListenerIds } = batch;
  const call = { loadBalancer, size: parameters.Targets.length, answersWhen: 'done' as const };
  return batchPlan(context, call, batchAnswer(failedListenerIds), () =>
    batch.bindings.flatMap(binding => {
      if (find(binding) && manners.registerExisting !== 'update') return [];
      return [bind(context, loadBalancer, binding)];
    }),
  );
}

function checkTargetQuota(bindings: readonly Binding[], limit: number): void {
  const added = new Map<Listener, number>();
  for (const binding of bindings) {
    if (find(binding)) continue;
    const count = (added.get(binding.listener) ?? 0) + 1;
    added.set(binding.listener, count);
    if (binding.listener.targets.size + count <= limit) continue;
    throw new ClbError('LimitExceeded', `Listener ${binding.listener.settings.id} may have ${limit} targets.`);
  }
}

function find(binding: Binding) {
  return binding.listener.targets.get(targetKey(binding));
}

function bind(context: ActionContext, loadBalancer: LoadBalancer, binding: Binding): TargetChange {
  const { listener, ...target } = binding;
  const earlier = find(binding);
  listener.targets.set(targetKey(target), { ...target, registeredAt: earlier?.registeredAt ?? context.wallNow });
  return {
    kind: earlier ? 'target-reweighted' : 'target-registered',
    loadBalancerId: loadBalancer.id,
    listenerId: listener.settings.id,
    locationId: '',
    ...target,
  };
}

function deregisterTargets(context: ActionContext, parameters: BatchParameters): Plan {
  const batch = readBatch(context, parameters, 'plain', 'InvalidParameterValue.Duplicate');
  if (context.settings.manners.missingTarget === 'error') checkBound(batch.bindings);
  const { loadBalancer, failedListenerIds } = batch;
  const call = { loadBalancer, size: parameters.Targets.length, answersWhen: 'done' as const };
  return batchPlan(context, call, batchAnswer(failedListenerIds), () =>
    batch.bindings.flatMap(binding => {
      const earlier = find(binding);
      if (!earlier) return [];
      binding.listener.targets.delete(targetKey(binding));
      const { registeredAt: _, ...target } = earlier;
      const listenerId = binding.listener.settings.id;
      return [
        {
          kind: 'target-deregistered' as const,
          loadBalancerId: loadBalancer.id,
          listenerId,
          locationId: '',
          ...target,
        },
      ];
    }),
  );
}

function checkBound(bindings: readonly Binding[]): void {
  const missing = bindings.find(binding => !find(binding));
  if (!missing) return;
  throw new ClbError('InvalidParameter', `${targetKey(missing)} is not bound to ${missing.listener.settings.id}.`);
}

const weightEntry = object({
  required: {
    ListenerId: text(),
    Targets: list(
      object({
        required: { Port: port },
        optional: { EniIp: ipv4Address, Weight: weight, Type: text() },
        unmodelled: [...UNMODELLED_TARGET, 'Tag'],
      }),
      1,
      ENTRY_TARGETS_MAX,
    ),
  },
  optional: { LocationId: text(), Weight: weight },
  unmodelled: ['Domain', 'Url'],
});

const weightParameters = object({
  required: { LoadBalancerId: text(), ModifyList: list(weightEntry, 1, WEIGHT_ENTRIES_MAX) },
  optional: {},
});

function modifyWeights(context: ActionContext, parameters: ReturnType<typeof weightParameters>): Plan {
  const loadBalancer = writableLoadBalancer(context, parameters.LoadBalancerId, 'plain');
  const size = parameters.ModifyList.reduce((sum, entry) => sum + entry.Targets.length, 0);
  if (size > BATCH_TARGETS_MAX) {
    throw new ClbError('InvalidParameterValue.Length', `ModifyList has ${size} targets; at most ${BATCH_TARGETS_MAX}.`);
  }
  const bindings = parameters.ModifyList.flatMap((entry, index) => {
    const listener = listenerOf(loadBalancer, entry.ListenerId);
    checkLocation(entry.LocationId);
    return entry.Targets.map((target, position) => ({
      listener,
      address: addressOf(target.EniIp, `ModifyList.${index}.Targets.${position}`),
      port: target.Port,
      weight: target.Weight ?? entry.Weight ?? DEFAULT_WEIGHT,
      tag: '',
    }));
  });
  if (context.settings.manners.missingTarget === 'error') checkBound(bindings);
  return batchPlan(context, { loadBalancer, size, answersWhen: 'accepted' }, {}, () =>
    bindings.flatMap(binding => {
      const earlier = find(binding);
      return earlier ? [bind(context, loadBalancer, { ...binding, tag: earlier.tag })] : [];
    }),
  );
}

export const targetActions: Readonly<Record<string, Action>> = {
  BatchRegisterTargets: action(batchParameters, registerTargets),
  BatchDeregisterTargets: action(batchParameters, deregisterTargets),
  BatchModifyTargetWeight: action(weightParameters, modifyWeights),
};

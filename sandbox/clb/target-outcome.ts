import { type Binding, bind, checkBindable, checkBound, checkTargetQuota, find, placeName, unbind } from './binding.ts';
import { ClbError } from './clb-error.ts';
import type { ActionContext } from './plan.ts';
import { type LoadBalancer, type TargetChange, targetKey } from './state.ts';

/** What comes of writes of targets, whatever call brings them: each is checked now and applied later. */
type Outcome = () => readonly TargetChange[];

/** @throws ClbError when one target is refused, and with it all. */
export function registration(
  context: ActionContext,
  loadBalancer: LoadBalancer,
  bindings: readonly Binding[],
): Outcome {
  const { manners, quota } = context.settings;
  checkBindable(context, bindings);
  for (const binding of bindings) {
    checkTag(binding.tag, manners.tagLengthMax);
    if (manners.registerExisting !== 'error' || !find(binding)) continue;
    const message = `${targetKey(binding)} is already bound to ${placeName(binding.place)}.`;
    throw new ClbError('InvalidParameterValue', message);
  }
  checkTargetQuota(bindings, loadBalancer.targetQuota ?? quota.targetsPerListener);
  const kept = context.spoils.kept(bindings);
  return () => {
    checkBindable(context, bindings);
    const fresh = kept.filter(binding => manners.registerExisting === 'update' || !find(binding));
    return fresh.flatMap(binding => bind(context, loadBalancer, binding));
  };
}

/** @throws ClbError when one target is refused, and with it all. */
export function deregistration(
  context: ActionContext,
  loadBalancer: LoadBalancer,
  bindings: readonly Binding[],
): Outcome {
  if (context.settings.manners.missingTarget === 'error') checkBound(bindings);
  const kept = context.spoils.kept(bindings);
  return () => kept.flatMap(binding => unbind(loadBalancer, binding.place, targetKey(binding)));
}

/** Takes the weight or the tag of each binding over. @throws ClbError when one target is refused, and with it all. */
export function modification(
  context: ActionContext,
  loadBalancer: LoadBalancer,
  bindings: readonly Binding[],
  what: 'weight' | 'tag',
): Outcome {
  const { manners } = context.settings;
  checkBindable(context, bindings);
  if (manners.missingTarget === 'error') checkBound(bindings);
  for (const { tag } of bindings) checkTag(tag, manners.tagLengthMax);
  const kept = context.spoils.kept(bindings);
  return () => kept.flatMap(binding => modified(context, loadBalancer, binding, what));
}

function modified(context: ActionContext, loadBalancer: LoadBalancer, binding: Binding, what: 'weight' | 'tag') {
  const earlier = find(binding);
  if (!earlier) return [];
  const { weight, tag } = what === 'weight' ? { ...earlier, weight: binding.weight } : { ...earlier, tag: binding.tag };
  return bind(context, loadBalancer, { ...binding, weight, tag });
}

function checkTag(tag: string, lengthMax: number): void {
  if (tag.length <= lengthMax) return;
  throw new ClbError('InvalidParameterValue.Length', `Length of \`Tag\` must not exceed ${lengthMax}.`);
}

import { ClbError } from './clb-error.ts';
import { describedRule } from './listener-query.ts';
import { flag, integer, list, object, text } from './parameters.ts';
import { ruleById } from './place.ts';
import { type Action, type ActionContext, action, type Plan } from './plan.ts';
import { read } from './query.ts';
import { changeRule, withoutRewrite } from './rule-domain.ts';
import { ruleTask, writableListener } from './rule-write.ts';
import { type Listener, type LoadBalancer, listenerOf, loadBalancerOf, type Rewrite, type Rule } from './state.ts';

const CODES: readonly number[] = [301, 302, 307];
const DEFAULT_CODE = 302;
/** Of one call; no limit is published. */
const REWRITES_MAX = 50;

const location = object({
  required: { SourceLocationId: text(), TargetLocationId: text() },
  optional: { RewriteCode: integer(301, 307), TakeUrl: flag, SourceDomain: text() },
});

const parameters = object({
  required: {
    LoadBalancerId: text(),
    SourceListenerId: text(),
    TargetListenerId: text(),
    RewriteInfos: list(location, 1, REWRITES_MAX),
  },
  optional: {},
});

type Parameters = ReturnType<typeof parameters>;

function manualRewrite(context: ActionContext, given: Parameters): Plan {
  const { loadBalancer, listener } = sourceOf(context, given);
  const target = listenerOf(loadBalancer, given.TargetListenerId);
  const wanted = given.RewriteInfos.map(info => rewriteOf(info, { loadBalancer, listener, target }));
  return ruleTask(context, loadBalancer, { size: wanted.length, answer: {} }, () =>
    wanted.flatMap(({ rule, rewrite }) => changeRule(loadBalancer, listener, rule, { rewrite })),
  );
}

function rewriteOf(
  {
    SourceLocationId,
    TargetLocationId,
    RewriteCode: code = DEFAULT_CODE,
    TakeUrl,
    SourceDomain,
  }: ReturnType<typeof location>,
  { loadBalancer, listener, target }: { loadBalancer: LoadBalancer; listener: Listener; target: Listener },
): { readonly rule: Rule; readonly rewrite: Rewrite } {
  const rule = ruleById(listener, SourceLocationId);
  const goal = ruleById(target, TargetLocationId);
  if (!CODES.includes(code)) throw new ClbError('InvalidParameterValue', 'RewriteCode must be 301, 302 or 307.');
  if (SourceDomain !== undefined && SourceDomain !== rule.settings.domain) {
    throw new ClbError('InvalidParameterValue', `SourceDomain ${SourceDomain} is not that of ${SourceLocationId}.`);
  }
  const isChain = goal.settings.rewrite !== undefined || rewrites(loadBalancer).some(leadsTo(SourceLocationId));
  if (rule === goal || isChain) throw new ClbError('InvalidParameter', 'A redirect must not lead to another redirect.');
  const rewrite = { listenerId: target.settings.id, locationId: TargetLocationId, code, keepsUrl: TakeUrl ?? true };
  return { rule, rewrite };
}

function deleteRewrite(context: ActionContext, given: Parameters): Plan {
  const { loadBalancer, listener } = sourceOf(context, given);
  const rules = given.RewriteInfos.map(({ SourceLocationId, TargetLocationId }) => {
    const rule = ruleById(listener, SourceLocationId);
    if (rule.settings.rewrite?.locationId === TargetLocationId) return rule;
    throw new ClbError('InvalidParameter', `${SourceLocationId} is not redirected to ${TargetLocationId}.`);
  });
  return ruleTask(context, loadBalancer, { size: rules.length, answer: {} }, () =>
    rules.flatMap(rule => withoutRewrite(loadBalancer, listener, rule)),
  );
}

function sourceOf(context: ActionContext, { LoadBalancerId, SourceListenerId }: Parameters) {
  return writableListener(context, { LoadBalancerId, ListenerId: SourceListenerId });
}

function rewrites(loadBalancer: LoadBalancer): Rewrite[] {
  return [...loadBalancer.listeners.values()].flatMap(({ rules }) =>
    [...rules.values()].flatMap(({ settings }) => settings.rewrite ?? []),
  );
}

function leadsTo(locationId: string): (rewrite: Rewrite) => boolean {
  return rewrite => rewrite.locationId === locationId;
}

const describeParameters = object({
  required: { LoadBalancerId: text() },
  optional: { SourceListenerIds: list(text(), 0, 100), SourceLocationIds: list(text(), 0, 100) },
});

function describeRewrite(context: ActionContext, given: ReturnType<typeof describeParameters>): Plan {
  return read(() => {
    const { listeners } = loadBalancerOf(context.view, given.LoadBalancerId);
    const { SourceListenerIds: listenerIds = [], SourceLocationIds: locationIds = [] } = given;
    const RewriteSet = [...listeners.values()]
      .filter(({ settings }) => listenerIds.length === 0 || listenerIds.includes(settings.id))
      .flatMap(({ settings, rules }) => [...rules.values()].map(rule => ({ rule, listenerId: settings.id })))
      .filter(({ rule }) => locationIds.length === 0 || locationIds.includes(rule.settings.locationId))
      .filter(({ rule }) => rule.settings.rewrite !== undefined)
      .map(({ rule, listenerId }) => describedRule(rule, listenerId));
    return { RewriteSet };
  });
}

export const rewriteActions: Readonly<Record<string, Action>> = {
  ManualRewrite: action(parameters, manualRewrite),
  DeleteRewrite: action(parameters, deleteRewrite),
  DescribeRewrite: action(describeParameters, describeRewrite),
};

import { flag, integer, list, object, oneOf, text } from './parameters.ts';
import { type Action, type ActionContext, action, type Plan, writableLoadBalancer } from './plan.ts';
import type { LoadBalancer, LoadBalancerAttributes } from './state.ts';

const modifyParameters = object({
  required: { LoadBalancerId: text() },
  optional: {
    LoadBalancerName: text({ minLength: 1, maxLength: 80 }),
    LoadBalancerPassToTarget: flag,
    DeleteProtect: flag,
    InternetChargeInfo: object({
      required: {},
      optional: {
        InternetChargeType: oneOf('TRAFFIC_POSTPAID_BY_HOUR', 'BANDWIDTH_POSTPAID_BY_HOUR', 'BANDWIDTH_PACKAGE'),
        InternetMaxBandwidthOut: integer(1, 61_440),
      },
    }),
  },
  unmodelled: ['TargetRegionInfo', 'SwitchFlag', 'SnatPro', 'ModifyClassicDomain', 'AssociateEndpoint'],
});

const groupParameters = object({
  required: { LoadBalancerId: text(), SecurityGroups: list(text({ minLength: 1 }), 0, 50) },
  optional: {},
});

/** Asynchronous, as CLB has it: what it changes shows when its task has ended. */
function modifyAttributes(context: ActionContext, parameters: ReturnType<typeof modifyParameters>): Plan {
  const loadBalancer = writableLoadBalancer(context, parameters.LoadBalancerId, 'published');
  const {
    LoadBalancerPassToTarget: passToTarget,
    InternetChargeInfo: internet,
    DeleteProtect: isProtected,
  } = parameters;
  return write(context, loadBalancer, {
    answersWhen: 'accepted',
    apply: () => {
      loadBalancer.name = parameters.LoadBalancerName ?? loadBalancer.name;
      loadBalancer.deleteProtected = isProtected ?? loadBalancer.deleteProtected;
      change(loadBalancer, {
        ...(passToTarget !== undefined && { passToTarget }),
        ...(internet && { internet: { ...loadBalancer.attributes.internet, ...internet } }),
      });
    },
  });
}

/** The groups given are all that it has from then on. */
function setSecurityGroups(context: ActionContext, parameters: ReturnType<typeof groupParameters>): Plan {
  const loadBalancer = writableLoadBalancer(context, parameters.LoadBalancerId, 'published');
  const securityGroups = [...new Set(parameters.SecurityGroups)];
  return write(context, loadBalancer, { answersWhen: 'done', apply: () => change(loadBalancer, { securityGroups }) });
}

function change(loadBalancer: LoadBalancer, changes: Partial<LoadBalancerAttributes>): void {
  loadBalancer.attributes = { ...loadBalancer.attributes, ...changes };
}

function write(
  context: ActionContext,
  loadBalancer: LoadBalancer,
  { answersWhen, apply }: { readonly answersWhen: 'accepted' | 'done'; readonly apply: () => void },
): Plan {
  const step = {
    afterMs: context.settings.latency.listenerBaseMs,
    apply: () => {
      apply();
      return [];
    },
  };
  return { kind: 'write', locks: [loadBalancer], size: 1, answersWhen, answer: {}, steps: [step] };
}

export const loadBalancerChanges: Readonly<Record<string, Action>> = {
  ModifyLoadBalancerAttributes: action(modifyParameters, modifyAttributes),
  SetLoadBalancerSecurityGroups: action(groupParameters, setSecurityGroups),
};

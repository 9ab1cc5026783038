import { ClbError } from './clb-error.ts';
import { object, text } from './parameters.ts';
import { type Action, type ActionContext, action, type Plan } from './plan.ts';
import { read } from './query.ts';

const taskParameters = object({ required: {}, optional: { TaskId: text(), DealName: text() } });

function describeTaskStatus(context: ActionContext, parameters: ReturnType<typeof taskParameters>): Plan {
  const name = parameters.TaskId ?? parameters.DealName;
  if (name === undefined) throw new ClbError('InvalidParameter', 'One of TaskId and DealName must be given.');
  return read(() => {
    const task = context.tasks.find(name);
    return { Status: task.status, Message: task.message, LoadBalancerIds: task.loadBalancerIds };
  });
}

function describeQuota(context: ActionContext): Plan {
  const { quota } = context.settings;
  const limits = {
    TOTAL_OPEN_CLB_QUOTA: quota.openLoadBalancers,
    TOTAL_INTERNAL_CLB_QUOTA: quota.internalLoadBalancers,
    TOTAL_LISTENER_QUOTA: quota.listenersPerLoadBalancer,
    TOTAL_LISTENER_RULE_QUOTA: quota.rulesPerListener,
    TOTAL_TARGET_BIND_QUOTA: quota.targetsPerListener,
    TOTAL_SNAT_IP_QUOTA: 10,
    TOTAL_ISP_CLB_QUOTA: 15,
    TOTAL_FULL_PORT_RANGE_LISTENER_QUOTA: 1,
  };
  return read(() => ({
    QuotaSet: Object.entries(limits).map(([id, limit]) => ({ QuotaId: id, QuotaCurrent: null, QuotaLimit: limit })),
  }));
}

export const accountQueries: Readonly<Record<string, Action>> = {
  DescribeTaskStatus: action(taskParameters, describeTaskStatus),
  DescribeQuota: action(object({ required: {}, optional: {} }), describeQuota),
};

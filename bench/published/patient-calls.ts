import { sleep } from '../../common/clock.ts';
import { ClbApiError, ClbConnectionError } from '../../coordinator/cloud/transport.ts';
import { POLL_INTERVAL_MS } from './calibration.ts';
import { type RulePlace, ruleInput, ruleOfUrl, type Site } from './site.ts';

/** How long the first two strategies wait after a refusal or a lost reply: as TKE's open-source neighbours do. */
const RETRY_MS = 500;
const TASK_RUNS = 2;

type Reply = Record<string, unknown>;

/** Calls until an answer comes. Only for what may be done twice. */
export async function insist(site: Site, action: string, parameters: object): Promise<Reply> {
  for (;;) {
    const answer = await attempt(site, action, parameters);
    if (answer) return answer;
    await pause(site, RETRY_MS);
  }
}

/**
 * Finds something out. In reality most look-ups ask another product's API for an instance or interface; in the model
 * every read takes the same time, so this one asks for what is smallest.
 */
export async function lookUp(site: Site): Promise<void> {
  await insist(site, 'DescribeLoadBalancers', { LoadBalancerIds: [site.loadBalancerId] });
}

/** An asynchronous write, until its task has ended. */
export async function insistOnTask(site: Site, action: string, parameters: object): Promise<Reply> {
  const answer = await insist(site, action, parameters);
  await untilTaskEnds(site, String(answer.RequestId));
  return answer;
}

/** Creates one rule; after an error it is looked for first, since a rule cannot be created twice. */
export async function createRule(site: Site, rule: number): Promise<RulePlace> {
  const listenerId = site.listenerIdOf(rule);
  const parameters = { LoadBalancerId: site.loadBalancerId, ListenerId: listenerId, Rules: [ruleInput(rule)] };
  for (;;) {
    const answer = await attempt(site, 'CreateRule', parameters);
    if (answer) {
      await untilTaskEnds(site, String(answer.RequestId));
      return { listenerId, locationId: String((answer.LocationIds as string[])[0]) };
    }
    await pause(site, RETRY_MS);
    const locationId = await findRule(site, listenerId, rule);
    if (locationId !== undefined) return { listenerId, locationId };
  }
}

async function findRule(site: Site, listenerId: string, rule: number): Promise<string | undefined> {
  const parameters = { LoadBalancerId: site.loadBalancerId, ListenerIds: [listenerId] };
  const answer = await insist(site, 'DescribeListeners', parameters);
  const listeners = answer.Listeners as { Rules?: { LocationId: string; Url: string }[] }[];
  const rules = listeners.flatMap(listener => listener.Rules ?? []);
  return rules.find(found => ruleOfUrl(found.Url) === rule)?.LocationId;
}

/** Looks at once, and then a while after each answer. */
async function untilTaskEnds(site: Site, taskId: string): Promise<void> {
  for (;;) {
    const { Status } = await insist(site, 'DescribeTaskStatus', { TaskId: taskId });
    if (Status !== TASK_RUNS) return;
    await pause(site, POLL_INTERVAL_MS);
  }
}

/** Undefined when CLB was busy or over its rate, or the answer was lost. */
async function attempt({ transport }: Site, action: string, parameters: object): Promise<Reply | undefined> {
  try {
    return await transport.call(action, parameters, new AbortController().signal);
  } catch (error) {
    const passes =
      error instanceof ClbConnectionError ||
      (error instanceof ClbApiError && /ResourceInOperating|RequestLimitExceeded|^FailedOperation$/.test(error.code));
    if (passes) return undefined;
    throw error;
  }
}

function pause({ clock }: Site, delayMs: number): Promise<void> {
  return sleep(clock, delayMs, new AbortController().signal);
}

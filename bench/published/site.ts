import { type Clock, sleep } from '../../common/clock.ts';
import { seededRandom } from '../../common/random.ts';
import { VirtualClock } from '../../common/virtual-clock.ts';
import type { ClbTransport } from '../../coordinator/cloud/transport.ts';
import { formatMark } from '../../coordinator/core/mark.ts';
import { ClbServer } from '../../sandbox/clb/server.ts';
import { type ClbSettings, defaultSettings } from '../../sandbox/clb/settings.ts';
import { clbTransport } from '../../test/simulation/clb-transport.ts';
import type { CloudModel } from './cloud-model.ts';
import type { Workload } from './published-rows.ts';

/** CLB's default quota of an HTTP listener. */
export const RULES_PER_LISTENER = 50;
export const CLUSTER = 'bench';
export const NAMESPACE = 'bench';
export const TARGET_PORT = 80;
export const TARGET_WEIGHT = 10;
export const DOMAIN = 'bench.example';

const VIP = '10.200.0.1';
const FIRST_LISTENER_PORT = 8_000;
/** A day: no published row takes three hours. */
const RUN_LIMIT_MS = 86_400_000;

/** Where one rule is, once it exists. */
export interface RulePlace {
  readonly listenerId: string;
  readonly locationId: string;
}

/** One row of the tables to be done: the load balancer as it is before, and how to reach it. */
export interface Site {
  readonly clock: Clock;
  readonly transport: ClbTransport;
  readonly loadBalancerId: string;
  readonly workload: Workload;
  /** Of the rules that exist, by their number. */
  readonly existing: readonly RulePlace[];
  /** On which rule number `rule` is, or shall be created. */
  listenerIdOf(rule: number): string;
}

/**
 * Prepares a load balancer, lets `strategy` do the row in virtual time, and checks what CLB holds then.
 * @returns seconds from the start to the moment at which the strategy knows that all is done
 * @throws Error when CLB holds something else
 */
export async function runOnSite(
  workload: Workload,
  { model, seed }: { readonly model: CloudModel; readonly seed: number },
  strategy: (site: Site) => Promise<void>,
): Promise<number> {
  const clock = new VirtualClock();
  const random = seededRandom(seed);
  const server = new ClbServer({ clock, random, settings: settingsOf(model), probe: async () => true });
  const transport = clbTransport(server);
  const site = await inVirtualTime(clock, prepare({ clock, server, transport, workload, model }));
  const startedAt = clock.now();
  await inVirtualTime(clock, strategy(site));
  const seconds = (clock.now() - startedAt) / 1000;
  server.faults.clear();
  await inVirtualTime(clock, verify(site));
  server.stop();
  return seconds;
}

export function ruleUrl(rule: number): string {
  return `/rule-${rule}`;
}

/** The number of the rule that has this path; undefined for one that is not ours. */
export function ruleOfUrl(url: string): number | undefined {
  const [, digits] = /^\/rule-(\d+)$/.exec(url) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

export function targetAddress(target: number): string {
  return `10.1.${target >> 8}.${target & 255}`;
}

export function podUid(target: number): string {
  return `pod-${target}`;
}

/** The target as a binding of a batch call. */
export function batchTarget(place: RulePlace, target: number): object {
  const mark = { cluster: CLUSTER, namespace: NAMESPACE, name: podUid(target), podUid: podUid(target) };
  return {
    ListenerId: place.listenerId,
    LocationId: place.locationId,
    EniIp: targetAddress(target),
    Port: TARGET_PORT,
    Weight: TARGET_WEIGHT,
    Tag: formatMark(mark),
  };
}

function settingsOf({ latency }: CloudModel): ClbSettings {
  const settings = defaultSettings([VIP]);
  // The data plane is not looked at, and nothing is measured there.
  return { ...settings, latency, forwarding: { ...settings.forwarding, forwarders: 0 } };
}

interface Preparation {
  readonly clock: VirtualClock;
  readonly server: ClbServer;
  readonly transport: ClbTransport;
  readonly workload: Workload;
  readonly model: CloudModel;
}

/** Listeners for all rules, the rules that exist, and their targets. */
async function prepare({ clock, server, transport, workload, model }: Preparation): Promise<Site> {
  const { id: loadBalancerId } = server.seed({});
  const { existingRules, createdRules, existingTargets } = workload;
  const call = (action: string, parameters: object) => settled({ clock, transport }, action, parameters);
  const listeners = Math.ceil((existingRules + createdRules) / RULES_PER_LISTENER);
  const ports = Array.from({ length: listeners }, (_, index) => FIRST_LISTENER_PORT + index);
  const made = await call('CreateListener', { LoadBalancerId: loadBalancerId, Ports: ports, Protocol: 'HTTP' });
  const listenerIds = made.ListenerIds as string[];
  const listenerIdOf = (rule: number) => listenerIds[Math.floor(rule / RULES_PER_LISTENER)] ?? '';
  const existing: RulePlace[] = [];
  for (let first = 0; first < existingRules; first += RULES_PER_LISTENER) {
    const numbers = Array.from({ length: Math.min(RULES_PER_LISTENER, existingRules - first) }, (_, i) => first + i);
    const ListenerId = listenerIdOf(first);
    const Rules = numbers.map(ruleInput);
    const answer = await call('CreateRule', { LoadBalancerId: loadBalancerId, ListenerId, Rules });
    const locationIds = answer.LocationIds as string[];
    existing.push(...locationIds.map(locationId => ({ listenerId: ListenerId, locationId })));
  }
  for (const place of existing) {
    const Targets = Array.from({ length: existingTargets }, (_, target) => batchTarget(place, target));
    await call('BatchRegisterTargets', { LoadBalancerId: loadBalancerId, Targets });
  }
  for (const { misfortune, probability } of model.faults) {
    server.faults.add({ ...misfortune, action: '*', probability });
  }
  return { clock, transport, loadBalancerId, workload, existing, listenerIdOf };
}

/** Checks of health are switched off: how long they take is none of the control plane's. */
export function ruleInput(rule: number): object {
  return { Domain: DOMAIN, Url: ruleUrl(rule), HealthCheck: { HealthSwitch: 0 } };
}

/** A call of the preparation: waits for its task, and until the load balancer takes the next. */
async function settled(
  { clock, transport }: Pick<Site, 'clock' | 'transport'>,
  action: string,
  parameters: object,
): Promise<Record<string, unknown>> {
  const { signal } = new AbortController();
  const answer = await transport.call(action, parameters, signal);
  await sleep(clock, 60_000, signal);
  return answer;
}

async function verify({ transport, loadBalancerId, workload }: Site): Promise<void> {
  const { signal } = new AbortController();
  const answer = await transport.call('DescribeTargets', { LoadBalancerId: loadBalancerId }, signal);
  const listeners = answer.Listeners as { Rules: { Targets: { Weight: number }[] }[] }[];
  const targets = listeners.flatMap(listener => listener.Rules).flatMap(rule => rule.Targets);
  const bound = targets.filter(target => target.Weight === TARGET_WEIGHT).length;
  const wanted = (workload.existingRules + workload.createdRules) * workload.targets;
  if (bound !== wanted) throw new Error(`CLB holds ${bound} targets, not ${wanted}`);
}

async function inVirtualTime<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = work.finally(() => {
    isSettled = true;
  });
  settled.catch(() => undefined);
  await clock.advanceUntil(() => isSettled, RUN_LIMIT_MS);
  return settled;
}

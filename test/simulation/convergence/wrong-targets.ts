import type { Pod } from '../../../common/kube/objects.ts';
import { podUidOf } from '../evidence.ts';
import type { HeldTarget } from '../load-balancers/account.ts';
import { isLiving, type WantedTarget } from './desired-state.ts';
import type { Tuning } from './manifest-chronicle.ts';

/** How targets differ from what is wanted, by `address:port`. */
export function wrongTargets(
  held: readonly HeldTarget[],
  wanted: ReadonlyMap<string, WantedTarget>,
  pods: readonly Pod[],
): string[] {
  const living = new Set(pods.filter(isLiving).map(({ metadata }) => metadata.uid));
  const isKeptOpen = ({ tag, weight }: HeldTarget) => weight > 0 && living.has(podUidOf(tag));
  const wrong = held.flatMap(target => {
    const text = whatIsWrongWith(target, wanted.get(whereOf(target)));
    return text === undefined ? [] : [{ text, isKeptOpen: isKeptOpen(target) }];
  });
  // Law L2: what is not wanted any more of a living Pod stays while it is the last that is open.
  const mayKeepLast = [...wanted.values()].every(({ weight }) => weight === 0);
  const last = mayKeepLast ? wrong.find(each => each.isKeptOpen) : undefined;
  const bound = new Set(held.map(whereOf));
  const missing = [...wanted].filter(([where]) => !bound.has(where));
  return [
    ...wrong.filter(each => each !== last).map(({ text }) => text),
    ...missing.map(([where, { podName }]) => `${where} of ${podName} is missing`),
  ];
}

function whereOf({ address, port }: HeldTarget): string {
  return `${address}:${port}`;
}

function whatIsWrongWith(target: HeldTarget, wanted: WantedTarget | undefined): string | undefined {
  const { weight, tag } = target;
  const where = whereOf(target);
  if (!wanted) return `nobody wants ${where} (weight ${weight}, ${tag})`;
  if (podUidOf(tag) !== wanted.podUid) return `${where} is of ${wanted.podName} and marked ${tag}`;
  return weight === wanted.weight ? undefined : `${where} of ${wanted.podName} weighs ${weight}, not ${wanted.weight}`;
}

/** How settings differ from those that a TkeServiceConfig names; what it does not name is nobody's business. */
export function differentTuning(
  held: { readonly scheduler: string; readonly intervalSeconds: number },
  { scheduler, healthCheck }: Tuning,
): string[] {
  const isOther = scheduler !== undefined && scheduler !== held.scheduler;
  const isSlower = healthCheck !== undefined && healthCheck.intervalTime !== held.intervalSeconds;
  return [
    ...(isOther ? [`the scheduler is ${held.scheduler}, not ${scheduler}`] : []),
    ...(isSlower ? [`it is probed every ${held.intervalSeconds} s, not ${healthCheck.intervalTime}`] : []),
  ];
}

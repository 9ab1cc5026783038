import type { Container, Pod } from '../kube/objects.ts';
import { HookKind } from '../pod-record.ts';
import { hookToken, isRedirectedHook, podHook } from './pod-hook.ts';

/** From what waits for the load balancer to what waits for nothing. */
const FROM_MOST_TO_LEAST = [HookKind.DRAIN, HookKind.SLEEP, HookKind.OTHER, HookKind.NONE];

/** What the preStop hooks of the regular containers do, by the one that does least: that one gets SIGTERM first. */
export function hookKindOf(pod: Pod, hookPort: number): HookKind {
  const isHeld = podHook(pod, hookPort).type !== 'none';
  const kinds = pod.spec.containers.map(container => kindOf(container, { isHeld, hookPort }));
  return FROM_MOST_TO_LEAST.findLast(kind => kinds.includes(kind)) ?? HookKind.NONE;
}

/** `isHeld`: the agent holds calls of the Pod. */
function kindOf(container: Container, { isHeld, hookPort }: { isHeld: boolean; hookPort: number }): HookKind {
  const own = container.lifecycle?.preStop;
  if (!own) return HookKind.NONE;
  if (own.sleep) return HookKind.SLEEP;
  const isOurs = isRedirectedHook(container, hookPort) || hookToken(container, hookPort) !== undefined;
  if (!isOurs) return HookKind.OTHER;
  return isHeld ? HookKind.DRAIN : HookKind.NONE;
}

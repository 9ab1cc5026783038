import { ClbError } from './clb-error.ts';
import { type Parse, text } from './parameters.ts';
import { isLayerSeven } from './place.ts';
import { type ActionContext, type Plan, writableLoadBalancer } from './plan.ts';
import { type Change, type LayerSevenProtocol, type Listener, type LoadBalancer, listenerOf } from './state.ts';

/** What the writes to rules and their domains have in common. */

export const listenerName = { LoadBalancerId: text(), ListenerId: text() };

export const domain: Parse<string> = (value, path) => {
  const parsed = text({ minLength: 1, maxLength: 80 })(value, path);
  if (/^(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(\.\*)?$/i.test(parsed)) return parsed.toLowerCase();
  throw new ClbError('InvalidParameter.FormatError', `The value of \`${path}\` is not a domain: ${parsed}.`);
};

/** @throws ClbError InvalidParameter.ListenerIdNotFound, InvalidParameter.ProtocolCheckFailed. */
export function writableListener(
  context: ActionContext,
  { LoadBalancerId: id, ListenerId: listenerId }: { readonly LoadBalancerId: string; readonly ListenerId: string },
): { readonly loadBalancer: LoadBalancer; readonly listener: Listener; readonly protocol: LayerSevenProtocol } {
  const loadBalancer = writableLoadBalancer(context, id, 'published');
  const listener = listenerOf(loadBalancer, listenerId);
  const { protocol } = listener.settings;
  if (isLayerSeven(protocol)) return { loadBalancer, listener, protocol };
  throw new ClbError('InvalidParameter.ProtocolCheckFailed', `Listener ${listenerId} is ${protocol}: it has no rules.`);
}

export function ruleTask(
  context: ActionContext,
  loadBalancer: LoadBalancer,
  { size, answer }: { readonly size: number; readonly answer: Record<string, unknown> },
  apply: () => readonly Change[],
): Plan {
  const { ruleBaseMs, rulePerItemMs } = context.settings.latency;
  const steps = [{ afterMs: ruleBaseMs + size * rulePerItemMs, apply }];
  return { kind: 'write', locks: [loadBalancer], size, answersWhen: 'accepted', answer, steps };
}

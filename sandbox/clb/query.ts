import { list, object, text } from './parameters.ts';
import type { ActionContext, Plan } from './plan.ts';
import { type Listener, loadBalancerOf } from './state.ts';

/** What the reads have in common. */

export const filters = list(object({ required: { Name: text(), Values: list(text(), 1, 100) }, optional: {} }), 0, 10);

export type Filters = ReturnType<typeof filters>;

export function read(answer: () => Record<string, unknown>): Plan {
  return { kind: 'read', answer };
}

/** `2026-01-31 08:00:00`, as the API writes moments (Beijing time). */
export function cloudTime(wallMs: number): string {
  const beijingOffsetMs = 8 * 3_600_000;
  return new Date(wallMs + beijingOffsetMs).toISOString().slice(0, 19).replace('T', ' ');
}

/** The listeners that a read names by id, or by protocol and port; all of them when it names none. */
interface ListenerSelection {
  readonly LoadBalancerId: string;
  readonly ListenerIds?: readonly string[];
  readonly Protocol?: string;
  readonly Port?: number;
}

export function selectedListeners(context: ActionContext, selection: ListenerSelection): Listener[] {
  const { ListenerIds: ids = [], Protocol: protocol, Port: port } = selection;
  const { listeners } = loadBalancerOf(context.view, selection.LoadBalancerId);
  const named = new Set(ids);
  return [...listeners.values()].filter(
    ({ settings }) =>
      (named.size === 0 || named.has(settings.id)) &&
      (protocol === undefined || protocol === settings.protocol) &&
      (port === undefined || port === settings.port),
  );
}

/** How a Pod's status went, field by field: how the changes are bundled into updates is no promise. */
import type { KubeObject } from '../../../common/kube/objects.ts';

/** For each field the values that it had one after the other. */
export type Chronicle = Readonly<Record<string, readonly string[]>>;

export interface StoryPod extends KubeObject {
  readonly status?: {
    readonly phase?: string;
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[];
    readonly containerStatuses?: readonly StoryContainer[];
  };
}

interface StoryContainer {
  readonly name: string;
  readonly ready: boolean;
  readonly restartCount: number;
  readonly state: ContainerState;
  readonly lastState?: ContainerState;
}

interface ContainerState {
  readonly waiting?: { readonly reason: string };
  readonly running?: object;
  readonly terminated?: { readonly exitCode: number; readonly reason: string };
}

export function chronicle(pods: readonly StoryPod[]): Chronicle {
  const fields: Record<string, string[]> = {};
  for (const pod of pods) {
    for (const [field, value] of Object.entries(fieldsOf(pod))) {
      fields[field] ??= [];
      if (fields[field].at(-1) !== value) fields[field].push(value);
    }
  }
  return fields;
}

/** Only the last value of each. */
export function endOf(chronicle: Chronicle): Chronicle {
  return Object.fromEntries(Object.entries(chronicle).map(([field, values]) => [field, values.slice(-1)]));
}

export function isReady({ status }: StoryPod): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

export function restartsOf({ status }: StoryPod): number {
  return status?.containerStatuses?.[0]?.restartCount ?? 0;
}

function fieldsOf({ metadata, status }: StoryPod): Record<string, string> {
  const fields: Record<string, string> = {
    phase: status?.phase ?? '',
    deletion: metadata.deletionTimestamp ? `in ${metadata.deletionGracePeriodSeconds} s` : 'none',
  };
  for (const { type, status: value, reason = '' } of status?.conditions ?? [])
    fields[type] = `${value} ${reason}`.trim();
  for (const container of status?.containerStatuses ?? []) {
    const { name } = container;
    fields[`${name} state`] = stateOf(container.state);
    fields[`${name} ready`] = String(container.ready);
    fields[`${name} restarts`] = String(container.restartCount);
    fields[`${name} before`] = stateOf(container.lastState);
  }
  return fields;
}

function stateOf({ waiting, running, terminated }: ContainerState = {}): string {
  if (waiting) return `waiting ${waiting.reason}`;
  if (terminated) return `terminated ${terminated.reason} ${terminated.exitCode}`;
  return running ? 'running' : 'none';
}

/** Lives of Pods, told by how their status went, field by field: how the changes are bundled into updates is no promise. */
import type { KubeObject } from '../../common/kube/objects.ts';
import type { WatchEvent } from '../../common/kube/transport.ts';
import { ask, paths, type Side, succeed, watchUntil } from './side.ts';

/** For each field the values that it had one after the other. */
export type Chronicle = Readonly<Record<string, readonly string[]>>;

export interface PodStory {
  readonly name: string;
  tell(side: Side): Promise<Chronicle>;
}

interface StoryPod extends KubeObject {
  readonly status?: {
    readonly phase?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string; readonly reason?: string }[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

interface ContainerStatus {
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

const { pods } = paths;
const probe = { httpGet: { path: '/', port: 80 }, periodSeconds: 1 };
const web = { name: 'web', image: 'echo', readinessProbe: probe };

export const stories: readonly PodStory[] = [
  { name: 'created', tell: side => live(side, 'created', { containers: [web] }, isReady) },
  {
    name: 'deleted, with a preStop that sleeps',
    async tell(side) {
      const containers = [{ ...web, lifecycle: { preStop: { sleep: { seconds: 2 } } } }];
      await live(side, 'deleted', { containers }, isReady);
      return change(side, 'deleted', () => ask(side, 'DELETE', `${pods}/deleted`));
    },
  },
  {
    name: 'crashed and started again',
    async tell(side) {
      const command = ['/usr/local/bin/node', '-e', 'setTimeout(() => process.exit(3), 1500)'];
      const containers = [{ name: 'web', image: side.crashImage, command }];
      // Only the end: a first restart is at once, so the update between may be passed over.
      return end(await live(side, 'crashed', { containers }, isReadyAgain));
    },
  },
  {
    name: 'evicted',
    async tell(side) {
      await live(side, 'evicted-alive', { containers: [web] }, isReady);
      const body = { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name: 'evicted-alive' } };
      return change(side, 'evicted-alive', () => ask(side, 'POST', `${pods}/evicted-alive/eviction`, { body }));
    },
  },
];

/** Creates a Pod on the side's node and watches it up to `end`. */
async function live(side: Side, name: string, spec: object, end: (pod: StoryPod) => boolean): Promise<Chronicle> {
  const metadata = { name };
  const body = { apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: side.node, ...spec } };
  await succeed(ask(side, 'POST', pods, { body }));
  const events = await watchUntil(side, pods, { fieldSelector: `metadata.name=${name}` }, event => end(podOf(event)));
  return chronicle(events);
}

/** Watches a Pod from before `action` until it is gone. */
async function change(side: Side, name: string, action: () => ReturnType<typeof ask>): Promise<Chronicle> {
  const { metadata } = await succeed(ask(side, 'GET', `${pods}/${name}`));
  const { resourceVersion = '' } = metadata;
  const query = { fieldSelector: `metadata.name=${name}`, resourceVersion };
  const watching = watchUntil(side, pods, query, ({ type }) => type === 'DELETED');
  await succeed(action());
  return chronicle(await watching);
}

function podOf(event: WatchEvent): StoryPod {
  if (event.type === 'ERROR') throw new Error(`the watch ended: ${JSON.stringify(event.object)}`);
  return event.object as StoryPod;
}

function isReady({ status }: StoryPod): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}

function isReadyAgain(pod: StoryPod): boolean {
  return isReady(pod) && (pod.status?.containerStatuses?.some(({ restartCount }) => restartCount === 1) ?? false);
}

function end(chronicle: Chronicle): Chronicle {
  return Object.fromEntries(Object.entries(chronicle).map(([field, values]) => [field, values.slice(-1)]));
}

function chronicle(events: readonly WatchEvent[]): Chronicle {
  const fields: Record<string, string[]> = {};
  for (const event of events) {
    for (const [field, value] of Object.entries(fieldsOf(event))) {
      fields[field] ??= [];
      if (fields[field].at(-1) !== value) fields[field].push(value);
    }
  }
  return fields;
}

function fieldsOf(event: WatchEvent): Record<string, string> {
  const { metadata, status } = podOf(event);
  const fields: Record<string, string> = {
    phase: status?.phase ?? '',
    deletion: metadata.deletionTimestamp ? `in ${metadata.deletionGracePeriodSeconds} s` : 'none',
  };
  for (const { type, status: value, reason = '' } of status?.conditions ?? [])
    fields[type] = `${value} ${reason}`.trim();
  const [container] = status?.containerStatuses ?? [];
  if (container) {
    fields.container = stateOf(container.state);
    fields.containerReady = String(container.ready);
    fields.restarts = String(container.restartCount);
    fields.before = stateOf(container.lastState);
  }
  return fields;
}

function stateOf({ waiting, running, terminated }: ContainerState = {}): string {
  if (waiting) return `waiting ${waiting.reason}`;
  if (terminated) return `terminated ${terminated.reason} ${terminated.exitCode}`;
  return running ? 'running' : 'none';
}

import type { Condition, Ingress, Service } from '../../common/kube/objects.ts';
import type { JournalRecord } from '../../sandbox/clb/journal.ts';
import type { TargetChange } from '../../sandbox/clb/state.ts';
import type { KubeletRecord } from '../../sandbox/kube/kubelet/kubelet-record.ts';
import type { ApiWrite } from './noting-api.ts';
import type { Sleep } from './process/process-clock.ts';

/** All that a run is judged by: what the cloud, the kubelets and the API server noted. */
export interface Evidence {
  readonly journal: readonly JournalRecord[];
  readonly records: readonly KubeletRecord[];
  readonly apiWrites: readonly ApiWrite[];
  /** By request id, the calls of CLB by ours. */
  readonly clbCalls?: ReadonlyMap<string, ClbCallNote>;
  /** CLB's quota of targets on a listener, where a run meets it: a target may go for the sake of another Pod then. */
  readonly targetsMax?: number;
  /** When CLB refused which Pod's address. */
  readonly refused?: readonly RefusedSpan[];
  /** Whether something happened between the two moments that speaks against a Pod, or lets its drain fail open. */
  readonly harms?: (pod: PodPlace, from: number, to: number) => Harm;
  /** Whether the agent of the Pod's own node lied between the two moments, or just before: of such a Pod anything may be believed. */
  readonly misled?: (podUid: string, from: number, to: number) => boolean;
  /** Whether the agent of the Pod's node did not reach the API server at some time between the two moments. */
  readonly isBlind?: (pod: PodPlace, from: number, to: number) => boolean;
  /** When a leader was killed where nobody could tell of it, so that its lease had to run out; in order. */
  readonly leaderDeaths?: readonly number[];
  /** How much slower than the world's an agent's clock may run; default 1. */
  readonly slownessMax?: number;
}

/** A call of CLB by one of ours, once it was answered. */
export interface ClbCallNote {
  readonly process: WriterProcess;
  /** Wall milliseconds of the moment at which the process began it. */
  readonly startedAt: number;
  /** When the process heard how it went, and that it went wrong; undefined: it heard of no failure. */
  readonly failureToldAt: number | undefined;
}

interface WriterProcess {
  readonly name: string;
  /** World milliseconds of its death; undefined while it lives or when it ended kindly. */
  readonly severedAt: number | undefined;
  readonly sleeps: readonly Sleep[];
}

/** A Pod and where it is. */
export interface PodPlace {
  readonly podName: string;
  readonly podUid: string;
  readonly nodeName: string;
  readonly address: string;
}

/** What happened to it: `own`, something that is against this very Pod; `all`, something that is wrong for everybody. */
export interface Harm {
  readonly own: boolean;
  readonly all: boolean;
}

/** Wall milliseconds. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** An address that CLB refused. */
export interface RefusedSpan extends Span {
  readonly address: string;
}

/** A target as reads of the cloud show it. */
export interface CloudTarget {
  readonly listenerId: string;
  readonly address: string;
  readonly podUid: string;
  readonly podName: string;
  readonly weight: number;
  readonly status: string;
}

export type CloudTargets = ReadonlyMap<string, CloudTarget>;

/**
 * Tells `visit` of every step of the cloud's own state: what changed by our hand, and all targets with a mark of ours before
 * and after it, whoever changed them.
 */
export function replayCloud(
  journal: readonly JournalRecord[],
  visit: (step: {
    at: number;
    requestId: string;
    changes: readonly TargetChange[];
    before: CloudTargets;
    after: CloudTargets;
    /** The weight at which we have left each target before; others may have changed it since. */
    left: ReadonlyMap<string, number>;
  }) => void,
): void {
  const isOurs = ownershipOf(journal);
  let targets: CloudTargets = new Map();
  const left = new Map<string, number>();
  for (const record of journal) {
    if (record.kind !== 'change' && record.kind !== 'health') continue;
    const before = targets;
    const changes = record.kind === 'change' ? record.changes.filter(isTargetChange) : [];
    const after = new Map(before);
    for (const change of changes) apply(after, change);
    if (record.kind === 'health') {
      const key = keyOf(record);
      const target = after.get(key);
      if (target) after.set(key, { ...target, status: record.status });
    }
    targets = after;
    const requestId = record.kind === 'change' ? record.requestId : '';
    const ours = isOurs(record) ? changes : [];
    visit({ at: record.at, requestId, changes: ours, before, after, left });
    for (const change of ours) left.set(keyOf(change), change.weight);
  }
}

/** Whether a record tells of our doing: not of other people's, nor of what CLB did by itself. */
export function ownershipOf(journal: readonly JournalRecord[]): (record: JournalRecord) => boolean {
  const foreign = new Set(
    journal.flatMap(record => (record.kind === 'call' && record.foreign ? record.requestId : [])),
  );
  return record => 'requestId' in record && record.requestId !== '' && !foreign.has(record.requestId);
}

function apply(targets: Map<string, CloudTarget>, change: TargetChange): void {
  const key = keyOf(change);
  if (change.kind === 'target-deregistered') {
    targets.delete(key);
    return;
  }
  const { listenerId, address, weight, tag } = change;
  if (podUidOf(tag) === '') return;
  const status = targets.get(key)?.status ?? 'Unknown';
  targets.set(key, { listenerId, address, weight, status, podUid: podUidOf(tag), podName: podNameOf(tag) });
}

/** Of a target in a replay of the cloud. */
export function keyOf({ listenerId, address, port }: { listenerId: string; address: string; port: number }): string {
  return `${listenerId} ${address}:${port}`;
}

function isTargetChange(change: { readonly kind: string }): change is TargetChange {
  return change.kind.startsWith('target-');
}

/** Takes new connections, as far as the cloud knows. */
export function isOpen({ weight, status }: CloudTarget): boolean {
  return weight > 0 && (status === 'Alive' || status === 'Close');
}

export function podUidOf(tag: string): string {
  return tag.split(':')[3] ?? '';
}

export function podNameOf(tag: string): string {
  return tag.split(':')[2]?.split('/')[1] ?? '';
}

/** Of a Pod that a Deployment made: `web-7f9c-x2x4z` belongs to `web`. */
export function appOf(podName: string): string {
  return podName.split('-').slice(0, -2).join('-');
}

/** Conditions that were written to Pods' statuses, in order. */
export function conditionsWritten(writes: readonly ApiWrite[], type: string) {
  return writes.flatMap(write => {
    const podName = /\/pods\/([^/]+)\/status$/.exec(write.path)?.[1];
    if (podName === undefined || write.status !== 200) return [];
    const body = write.body as { metadata?: { uid?: string }; status?: { conditions?: Condition[] } };
    const condition = body.status?.conditions?.find(candidate => candidate.type === type);
    return condition ? [{ at: write.at, podName, podUid: body.metadata?.uid ?? '', condition }] : [];
  });
}

/** When somebody asked for a Pod's deletion for the first time, by its name. */
export function deletions(writes: readonly ApiWrite[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { at, method, path, status } of writes) {
    const [, podName, eviction] = /\/pods\/([^/]+)(\/eviction)?$/.exec(path) ?? [];
    const asks = method === 'DELETE' || (method === 'POST' && eviction !== undefined);
    if (podName !== undefined && asks && status < 300 && !found.has(podName)) found.set(podName, at);
  }
  return found;
}

type Written = Partial<Service['spec']> & NonNullable<Ingress['spec']>;

/** Names of the Services that an Ingress leads to. */
function backendsOf({ defaultBackend, rules = [] }: NonNullable<Ingress['spec']>): string[] {
  const backends = rules.flatMap(({ http }) => http?.paths ?? []).map(({ backend }) => backend);
  return [...backends, ...(defaultBackend ? [defaultBackend] : [])].flatMap(({ service }) => service?.name ?? []);
}

/**
 * When a Service that ever selected the app, or an Ingress that ever led to a Service of its name, was first changed or
 * deleted by somebody who is not a coordinator.
 */
export function serviceChanges(writes: readonly ApiWrite[]): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const selected = new Map<string, Set<string>>();
  for (const { at, method, path, username, body } of writes) {
    const [, kind, , named] = /\/(services|ingresses)(\/([^/]+))?$/.exec(path) ?? [];
    const { metadata, spec } = (body ?? {}) as { metadata?: { name?: string }; spec?: Written };
    const name = named ?? metadata?.name;
    if (name === undefined || kind === undefined) continue;
    const apps = selected.get(`${kind}/${name}`) ?? new Set([name]);
    selected.set(`${kind}/${name}`, apps);
    for (const backend of backendsOf(spec ?? {})) apps.add(backend);
    if (spec?.selector?.app) apps.add(spec.selector.app);
    if (method === 'POST' || username !== 'admin') continue;
    for (const app of apps) if (!found.has(app)) found.set(app, at);
  }
  return found;
}

/** What CLB refused again and again is tried again after this long. */
const QUARANTINE_MS = 65_000;

/** Whether CLB refuses the address at that moment, or the next try may still be waiting. */
export function isRefused(
  { refused = [] }: Pick<Evidence, 'refused'>,
  address: string | undefined,
  at: number,
): boolean {
  return refused.some(span => span.address === address && span.from <= at && at <= span.to + QUARANTINE_MS);
}

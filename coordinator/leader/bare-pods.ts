import type { Clock } from '../../common/clock.ts';
import type { InstanceNames } from '../../common/instance-names.ts';
import { INSTANCE_LABEL } from '../../common/names.ts';
import { GateState, HookKind, type PodRecord } from '../../common/pod-record.ts';
import type { PodView } from '../core/cluster-view.ts';
import type { LiveView } from '../core/live-view.ts';
import type { EventSubject } from '../kube/event-recorder.ts';
import { type Problem, problem } from '../loadbalancers/problem.ts';
import type { LeaderPorts } from './leader-ports.ts';

/** What a preStop does instead of waiting for the load balancer. */
export const UNHOOKED_BY = ['sleep', 'other', 'none'] as const;
export type UnhookedBy = (typeof UNHOOKED_BY)[number];

export interface BarePodsOptions {
  readonly names: Pick<InstanceNames, 'name'>;
  readonly view: Pick<LiveView, 'pods' | 'servicesOf'>;
  readonly ports: Pick<LeaderPorts, 'reportOwner'>;
  readonly clock: Clock;
}

/** A workload's Pods are all alike: it is told of once in this time. */
const TELL_AGAIN_MS = 600_000;
/** A cluster without the webhook may have many: the gauges tell of all. */
const TOLD_PER_MINUTE_MAX = 60;
const MINUTE_MS = 60_000;
const WORKLOADS_MAX = 10_000;

/**
 * Pods that Services or Ingresses select and that lack what makes their changes lossless, because nobody gave it to them:
 * made while no coordinator answered the webhook, not chosen by it, or with hooks of their own. They are served all the same.
 */
export class BarePods {
  readonly #options: BarePodsOptions;
  readonly #ungated = new Set<string>();
  readonly #unhooked = new Map<UnhookedBy, Set<string>>(UNHOOKED_BY.map(by => [by, new Set()]));
  /** By workload and what is missing; the least recently told first. */
  readonly #toldAt = new Map<string, number>();

  constructor(options: BarePodsOptions) {
    this.#options = options;
  }

  /** Pods without our readiness gate. */
  get ungated(): number {
    return this.#ungated.size;
  }

  /** Pods of which not every regular container waits for the load balancer, by what the one does that waits least. */
  unhooked(by: UnhookedBy): number {
    return this.#unhooked.get(by)?.size ?? 0;
  }

  /** Looks at the Pod as it is now, which may be gone. */
  look(podUid: string): void {
    const { view } = this.#options;
    const pod = view.pods.get(podUid);
    const served = pod && isServed(pod) && view.servicesOf(podUid).size > 0 ? pod.record : undefined;
    const isUngated = served?.gate === GateState.ABSENT;
    const by = served && unhookedBy(served);
    if (served && isUngated && !this.#ungated.has(podUid)) {
      this.#tell(served, 'CD3010', owner => ungatedProblem(owner, this.#otherInstance(served)));
    }
    if (served && (by === 'none' || by === 'other') && !this.#unhooked.get(by)?.has(podUid)) {
      this.#tell(served, `CD3011 ${by}`, owner => unhookedProblem(owner, by, this.#otherInstance(served)));
    }
    keep(this.#ungated, podUid, isUngated);
    for (const [kind, podUids] of this.#unhooked) keep(podUids, podUid, kind === by);
  }

  /** What would make it a Pod of this instance; undefined where it is one. */
  #otherInstance({ labels }: PodRecord): string | undefined {
    const { name } = this.#options.names;
    const other = labels[INSTANCE_LABEL] ?? '';
    if (other === name) return undefined;
    const what =
      name === '' ? `take the label ${INSTANCE_LABEL} out of` : `put the label ${INSTANCE_LABEL}: ${name} into`;
    return `They are Pods of another instance of clb-direct: ${what} the template.`;
  }

  #tell(record: PodRecord, what: string, problemOf: (owner: EventSubject) => Problem): void {
    const now = this.#options.clock.now();
    const key = `${record.namespace}/${workloadOf(record)} ${what}`;
    if (now - (this.#toldAt.get(key) ?? Number.NEGATIVE_INFINITY) < TELL_AGAIN_MS) return;
    const lately = [...this.#toldAt.values()].slice(-TOLD_PER_MINUTE_MAX);
    const isMuch = lately.length === TOLD_PER_MINUTE_MAX && now - (lately[0] ?? 0) < MINUTE_MS;
    if (isMuch) return;
    this.#toldAt.delete(key);
    this.#toldAt.set(key, now);
    const [oldest] = this.#toldAt.keys();
    if (this.#toldAt.size > WORKLOADS_MAX && oldest !== undefined) this.#toldAt.delete(oldest);
    this.#options.ports.reportOwner(record, problemOf);
  }
}

/** One that is leaving is beyond help. */
function isServed({ record, deletionSeenAt }: PodView): boolean {
  return deletionSeenAt === undefined && record.addresses.length > 0;
}

function unhookedBy({ hook }: PodRecord): UnhookedBy | undefined {
  switch (hook) {
    case HookKind.SLEEP:
      return 'sleep';
    case HookKind.OTHER:
      return 'other';
    case HookKind.NONE:
      return 'none';
    default:
      // Ours, or the agent is of a version that does not tell.
      return undefined;
  }
}

/** What is before the part of the name that tells Pods of one maker apart. */
function workloadOf({ name }: PodRecord): string {
  return name.slice(0, Math.max(name.lastIndexOf('-'), 0)) || name;
}

function keep(podUids: Set<string>, podUid: string, isIn: boolean): void {
  if (isIn) podUids.add(podUid);
  else podUids.delete(podUid);
}

function ungatedProblem(owner: EventSubject, otherInstance: string | undefined): Problem {
  return problem(
    'CD3010',
    `${whose(owner)} no readiness gate of clb-direct, so that a rolling update does not wait for the load balancer. ${otherInstance ?? remedy(owner, 'the gate')}`,
  );
}

function unhookedProblem(owner: EventSubject, by: 'none' | 'other', otherInstance: string | undefined): Problem {
  const what = by === 'none' ? 'a container without a preStop' : 'a container with a preStop of its own';
  const how = by === 'none' ? remedy(owner, 'the hook') : 'Do that step on SIGTERM and remove the preStop.';
  return problem(
    'CD3011',
    `${whose(owner)} ${what}: its SIGTERM does not wait for the load balancer, and requests may be lost when they are deleted. ${otherInstance ?? how}`,
  );
}

function whose({ kind, namespace, name }: EventSubject): string {
  return kind === 'Pod' ? `Pod ${namespace}/${name} has` : `${kind} ${namespace}/${name} has Pods with`;
}

function remedy({ kind, name, namespace }: EventSubject, what: string): string {
  if (kind === 'Pod') return `Make it anew with ${what}: clb-direct inject -f prints the manifest.`;
  return `If they were made while no coordinator answered the webhook, kubectl -n ${namespace} rollout restart ${kind.toLowerCase()}/${name} mends it; else put ${what} into the template: clb-direct inject -f prints it.`;
}

import type { Pod, Service } from '../../../common/kube/objects.ts';
import { isAnyMark } from '../../../coordinator/core/mark.ts';
import type { JournalRecord } from '../../../sandbox/clb/journal.ts';
import { type Evidence, ownershipOf, type Span } from '../evidence.ts';
import type { Chronicle } from './chronicle.ts';
import { existingOf, selects, type WantedPort, wantedPorts, wantedTargets } from './desired-state.ts';

export interface FullEvidence extends Evidence {
  /** When coordinators heard nothing of the API server. */
  readonly outages: readonly Span[];
  readonly chronicle: Pick<Chronicle, 'services' | 'pods'>;
  /** The ids of the load balancers that Services may share. */
  readonly shared: readonly string[];
}

/** After an outage of the API server a coordinator may take so long to hear of what it missed. */
const CATCH_UP_MS = 35_000;

/** A listener that carries the name of one of our Services. */
export interface OwnListener {
  readonly id: string;
  readonly loadBalancerId: string;
  readonly protocol: string;
  readonly port: number;
  /** Of its Service. */
  readonly serviceUid: string;
  readonly createdAt: number;
  /** Infinity: never. */
  readonly deletedAt: number;
}

/** A run's evidence, and what users wanted at each moment of it. */
export class Ledger {
  readonly evidence: FullEvidence;
  readonly isByUs: (record: JournalRecord) => boolean;
  readonly #listeners: ReadonlyMap<string, OwnListener>;

  constructor(evidence: FullEvidence) {
    this.evidence = evidence;
    this.isByUs = ownershipOf(evidence.journal);
    this.#listeners = new Map(this.#ownListeners().map(listener => [listener.id, listener]));
  }

  listener(id: string): OwnListener | undefined {
    return this.#listeners.get(id);
  }

  listeners(): Iterable<OwnListener> {
    return this.#listeners.values();
  }

  /** The port for which the listener stands, as its Service asked for it; undefined when it does not. */
  wantedOn(listener: OwnListener, service: Service | undefined): WantedPort | undefined {
    if (!service || !this.wantsThere(service, listener)) return undefined;
    return wantedPorts(service).find(({ protocol, port }) => isSame(listener, protocol, port));
  }

  /** Whether the load balancer is the one that the Service asks for, or one that was made for it. */
  wantsThere(service: Service, { loadBalancerId }: Pick<OwnListener, 'loadBalancerId'>): boolean {
    return (
      (existingOf(service) ?? loadBalancerId) === loadBalancerId && !this.#isSharedUnasked(service, loadBalancerId)
    );
  }

  /** What a coordinator could believe to be wanted of the listener at some time between the two moments. */
  wantedDuring(listener: OwnListener, from: number, to: number): readonly (WantedPort | undefined)[] {
    const services = this.evidence.chronicle.services.during(listener.serviceUid, this.heardFrom(from), to);
    return services.map(service => this.wantedOn(listener, service));
  }

  /** Whether the listener's Service wants its port, there or on another load balancer: what a user deleted serves nobody. */
  isPortWanted(listenerId: string, at: number): boolean {
    const listener = this.#listeners.get(listenerId);
    const service = listener && this.evidence.chronicle.services.of(listener.serviceUid, at);
    return service !== undefined && wantedPorts(service).some(({ protocol, port }) => isSame(listener, protocol, port));
  }

  /** The moment to which what a coordinator knew at `at` may date back: one outage after another may add up. */
  heardFrom(at: number): number {
    const deaf = this.evidence.outages.filter(({ from, to }) => from < at && at <= to + CATCH_UP_MS);
    return deaf.length === 0 ? at : this.heardFrom(Math.min(...deaf.map(({ from }) => from)));
  }

  podDuring(podUid: string, from: number, to: number): readonly (Pod | undefined)[] {
    return this.evidence.chronicle.pods.during(podUid, from, to);
  }

  /** The weight that the port wants the Pod's target to have; undefined when it wants none. */
  weightOn(wanted: WantedPort | undefined, pod: Pod | undefined, where: string): number | undefined {
    return wanted && pod && selects(wanted.service, pod) ? wantedTargets(wanted, [pod]).get(where)?.weight : undefined;
  }

  /** Whether somebody else changed a target with our mark there between the two moments. */
  wasMeddledWith(listenerId: string, from: number, to: number): boolean {
    return this.evidence.journal.some(
      record =>
        record.kind === 'change' &&
        record.at >= from &&
        record.at <= to &&
        !this.isByUs(record) &&
        record.changes.some(change => 'tag' in change && change.listenerId === listenerId && isAnyMark(change.tag)),
    );
  }

  #isSharedUnasked(service: Service, loadBalancerId: string): boolean {
    return existingOf(service) === undefined && this.evidence.shared.includes(loadBalancerId);
  }

  #ownListeners(): OwnListener[] {
    const uids = new Map([...this.evidence.chronicle.services.uids()].map(uid => [uid.slice(0, 8), uid]));
    const found = new Map<string, OwnListener>();
    for (const record of this.evidence.journal) {
      if (record.kind !== 'change') continue;
      for (const change of record.changes) {
        if (change.kind === 'listener-deleted') {
          const listener = found.get(change.listenerId);
          if (listener) found.set(listener.id, { ...listener, deletedAt: record.at });
        }
        if (change.kind !== 'listener-created') continue;
        const { loadBalancerId } = change;
        const { id, name, protocol, port } = change.settings;
        const serviceUid = name.startsWith('clb-direct-') ? uids.get(name.slice(-8)) : undefined;
        if (serviceUid === undefined) continue;
        const [createdAt, deletedAt] = [record.at, Number.POSITIVE_INFINITY];
        found.set(id, { id, protocol, port, serviceUid, loadBalancerId, createdAt, deletedAt });
      }
    }
    return [...found.values()];
  }
}

function isSame(listener: OwnListener | undefined, protocol: string, port: number): boolean {
  return listener?.protocol === protocol && listener.port === port;
}

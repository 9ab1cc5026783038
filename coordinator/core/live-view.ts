import type { PodRecord } from '../../common/pod-record.ts';
import type { ClusterView, PodView } from './cluster-view.ts';
import type { DrainLedger } from './drain-ledger.ts';
import type { LeavingSign } from './node-sign.ts';
import { OwnerSelections, type SelectingOwner } from './owner-selections.ts';
import type { ReportStore } from './report-store.ts';
import { isSelected, type SelectingService } from './selector-index.ts';

export interface LiveViewOptions {
  readonly store: ReportStore;
  readonly drains: () => DrainLedger;
  /** Whether the API server confirmed the Pod as it is reported now (law L12). */
  readonly isConfirmed: (record: PodRecord) => boolean;
  /** The cloud's name of the node, for Pods in the host's network; undefined while it is not known. */
  readonly instanceOf: (node: string) => string | undefined;
  /** The sign of the node's end for which its targets leave ahead of its Pods. */
  readonly signOf: (node: string) => LeavingSign | undefined;
  /** Whether nobody tells what becomes of the node's Pods. */
  readonly isInDoubt: (node: string) => boolean;
  /** Whether the API server was asked where the Pod is, and has no answer that speaks against its agent. */
  readonly isTakenAtWord: (podUid: string) => boolean;
  /** Whether the node's agent is blind, and likely to see soon. */
  readonly isSightAwaited: (node: string) => boolean;
  /** Whether there are nodes of whose Pods nobody has told yet. */
  readonly isPartial: () => boolean;
  /** Whether there are nodes of whose new Pods nobody tells. */
  readonly hasUnseenNodes: () => boolean;
}

/**
 * The cluster view of a leader, kept up to date Pod by Pod: a changed Pod costs what its own labels cost. Whoever
 * changes a fact about a Pod calls `refresh`.
 */
export class LiveView implements ClusterView {
  readonly #options: LiveViewOptions;
  readonly #pods = new Map<string, PodView>();
  readonly #selections = new OwnerSelections();

  constructor(options: LiveViewOptions) {
    this.#options = options;
    for (const uid of options.store.pods.keys()) this.refresh(uid);
  }

  get pods(): ReadonlyMap<string, PodView> {
    return this.#pods;
  }

  isPartial = (): boolean => this.#options.isPartial();
  hasUnseenNodes = (): boolean => this.#options.hasUnseenNodes();

  tombstone: ClusterView['tombstone'] = podUid => this.#options.store.tombstone(podUid);

  podsSelectedBy: ClusterView['podsSelectedBy'] = ({ service, selector }) => {
    const { uid, namespace } = service;
    const selection = { uid, namespace, selector };
    const uids = this.#selections.podsSelectedBy(selection) ?? this.#scan(selection);
    const selected: PodView[] = [];
    for (const uid of uids) {
      const pod = this.#pods.get(uid);
      if (pod) selected.push(pod);
    }
    return selected;
  };

  /** The UIDs of the Services and Ingresses that select the Pod. */
  servicesOf(podUid: string): ReadonlySet<string> {
    return this.#selections.ownersOf(podUid);
  }

  podUidsOf(serviceUid: string): ReadonlySet<string> {
    return this.#selections.podsOf(serviceUid);
  }

  setServices(services: readonly SelectingOwner[]): void {
    this.#selections.setOwners(services, this.#records());
  }

  removeService(serviceUid: string): void {
    this.#selections.removeOwner(serviceUid);
  }

  /**
   * Takes over what is known of the Pod now.
   * @returns the UIDs of all Services that select it now or did before
   */
  refresh(podUid: string): ReadonlySet<string> {
    const stored = this.#options.store.pods.get(podUid);
    if (!stored) {
      this.#pods.delete(podUid);
      return this.#selections.removePod(podUid);
    }
    const { record, node } = stored;
    const drain = this.#options.drains().get(podUid);
    const isLabelledAnew = this.#pods.get(podUid)?.record.labels !== record.labels;
    this.#pods.set(podUid, {
      ...stored,
      confirmed: this.#options.isConfirmed(record),
      isPlaced: this.#options.store.isPlaced(podUid) || this.#options.isTakenAtWord(podUid),
      isDisputed: this.#options.store.isDisputed(podUid),
      // An agent may hold hooks only of its own node's Pods (law L12).
      drain: drain?.node === node ? drain : undefined,
      instanceId: record.hostNetwork ? this.#options.instanceOf(node) : undefined,
      nodeSign: this.#options.signOf(node),
      isNodeInDoubt: this.#options.isInDoubt(node),
      isUnheld: !stored.isToldByAgent && this.#options.isSightAwaited(node),
    });
    return isLabelledAnew ? this.#selections.setPod(record) : this.#selections.ownersOf(podUid);
  }

  *#records(): Iterable<PodRecord> {
    for (const { record } of this.#pods.values()) yield record;
  }

  #scan(service: SelectingService): string[] {
    return [...this.#records()].filter(record => isSelected(service, record)).map(record => record.uid);
  }
}

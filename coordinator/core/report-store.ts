import { strict as assert } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import { PodPhase, type PodRecord } from '../../common/pod-record.ts';

/** A Pod as its node's agent last described it. */
export interface StoredPod {
  readonly record: PodRecord;
  readonly node: string;
  /** Monotonic milliseconds of this process. */
  readonly firstSeenAt: number;
  /** When a deletion was first reported, in this process's monotonic milliseconds. */
  readonly deletionSeenAt: number | undefined;
}

/** Evidence that a Pod is no more (law L1). Absence alone never makes one. */
export interface Tombstone {
  readonly at: number;
  readonly evidence: 'deletion seen by its agent' | 'absent from a consistent snapshot' | 'the API server says so';
}

export interface NodeState {
  readonly connected: boolean;
  /** When its agent was last heard, monotonic milliseconds. */
  readonly heardAt: number;
  readonly hasSnapshot: boolean;
}

/** Tombstones are kept for longer than any write or read can be under way, then the API server is asked again. */
const TOMBSTONE_LIFE_MS = 600_000;
const TOMBSTONES_MAX = 50_000;

/**
 * The coordinator's memory of all agents. Changes only through what agents say and what the API server answers; a
 * silent node changes nothing in it.
 */
export class ReportStore {
  readonly #pods = new Map<string, StoredPod>();
  /** The UIDs of each node's Pods, so that a snapshot costs what its own node has. */
  readonly #podsOfNode = new Map<string, Set<string>>();
  readonly #nodes = new Map<string, NodeState>();
  readonly #tombstones = new Map<string, Tombstone>();
  readonly #onChange: (podUid: string) => void;

  /** @param onChange told of every Pod of which another thing is known than before; must not change the store */
  constructor(onChange: (podUid: string) => void = () => undefined) {
    this.#onChange = onChange;
  }

  get pods(): ReadonlyMap<string, StoredPod> {
    return this.#pods;
  }
  get nodes(): ReadonlyMap<string, NodeState> {
    return this.#nodes;
  }
  tombstone(podUid: string): Tombstone | undefined {
    return this.#tombstones.get(podUid);
  }

  /** Takes a node's full list. What is missing from it is gone only when the list was consistent. */
  replace(node: string, pods: readonly PodRecord[], options: { consistent: boolean; now: number }): void {
    const present = new Set(pods.map(pod => pod.uid));
    for (const pod of pods) this.#upsert(node, pod, options.now);
    if (options.consistent) {
      for (const uid of [...(this.#podsOfNode.get(node) ?? [])]) {
        if (!present.has(uid)) this.#bury(uid, { at: options.now, evidence: 'absent from a consistent snapshot' });
      }
    }
    this.#nodes.set(node, { connected: true, heardAt: options.now, hasSnapshot: true });
  }

  apply(node: string, delta: { upserts: readonly PodRecord[]; removals: readonly string[] }, now: number): void {
    for (const pod of delta.upserts) this.#upsert(node, pod, now);
    for (const uid of delta.removals) {
      if (this.#pods.get(uid)?.node === node) this.#bury(uid, { at: now, evidence: 'deletion seen by its agent' });
    }
    this.heard(node, now);
  }

  heard(node: string, now: number): void {
    const state = this.#nodes.get(node);
    this.#nodes.set(node, { connected: true, heardAt: now, hasSnapshot: state?.hasSnapshot ?? false });
  }

  /** The node's last stream is gone. Its Pods stay as they are (law L1). */
  disconnect(node: string): void {
    const state = this.#nodes.get(node);
    if (state) this.#nodes.set(node, { ...state, connected: false });
  }

  /** A consistent GET said 404, another UID or a terminal phase. */
  provenGone(podUid: string, now: number): void {
    this.#bury(podUid, { at: now, evidence: 'the API server says so' });
  }

  /** Forgets old tombstones. */
  expire(now: number): void {
    for (const [uid, tombstone] of this.#tombstones) {
      if (now - tombstone.at < TOMBSTONE_LIFE_MS && this.#tombstones.size <= TOMBSTONES_MAX) break;
      this.#tombstones.delete(uid);
    }
  }

  #upsert(node: string, record: PodRecord, now: number): void {
    assert(record.uid !== '', 'a reported Pod has a UID');
    const known = this.#pods.get(record.uid);
    // A Pod never moves: another node that claims it is not believed (law L12).
    if (known && known.node !== node) return;
    // The UID of a Pod that is proven gone never comes back; a late message of a stale stream may still carry it.
    if (this.#tombstones.has(record.uid)) return;
    // A snapshot repeats what is known of most Pods.
    if (known && isDeepStrictEqual(known.record, record)) return;
    this.#pods.set(record.uid, {
      record,
      node,
      firstSeenAt: known?.firstSeenAt ?? now,
      deletionSeenAt: known?.deletionSeenAt ?? (record.deletion ? now : undefined),
    });
    this.#podsOfNode.set(node, (this.#podsOfNode.get(node) ?? new Set()).add(record.uid));
    this.#onChange(record.uid);
  }

  #bury(podUid: string, tombstone: Tombstone): void {
    const node = this.#pods.get(podUid)?.node;
    if (node !== undefined) this.#podsOfNode.get(node)?.delete(podUid);
    this.#pods.delete(podUid);
    this.#tombstones.set(podUid, tombstone);
    this.#onChange(podUid);
  }
}

/** A Pod in phase Succeeded or Failed owns no address, whatever its status still says. */
export function isTerminal(record: PodRecord): boolean {
  return record.phase === PodPhase.SUCCEEDED || record.phase === PodPhase.FAILED;
}

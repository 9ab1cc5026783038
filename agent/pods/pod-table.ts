import { isDeepStrictEqual } from 'node:util';
import { allContainersExited } from '../../common/pod-ends.ts';
import { ContainerState, type Deletion, type PodRecord } from '../../common/pod-record.ts';
import { eniByNode } from '../../common/pods/eni-by-node.ts';
import type { NodeNetwork } from '../../common/pods/node-network.ts';
import type { PodHook } from '../../common/pods/pod-hook.ts';
import type { ContainerExit } from '../runtime/source.ts';
import { holderOf } from './hook-tokens.ts';
import { mergeExits } from './merge-exits.ts';

/** A Pod as the reflector keeps it. */
export interface ObservedPod {
  readonly record: PodRecord;
  /** How its preStop calls reach this agent. */
  readonly hook: PodHook;
  /** When the last of its containers started, milliseconds since the Unix epoch; left out until all of them run. */
  readonly startedAtMs?: number | undefined;
}

export interface PodChange {
  readonly upserts: readonly PodRecord[];
  /** UIDs of Pods whose deletion is proven. */
  readonly removals: readonly string[];
}

interface Entry {
  readonly key: string;
  readonly observed: ObservedPod;
  /** Container ids, oldest first, at most EXITED_IDS_MAX. */
  readonly exitedIds: ReadonlySet<string>;
  /** What is reported: `observed` with exits and the moment of deletion. */
  readonly record: PodRecord;
}

const LOOPBACK = '127.0.0.1';
/** Exits that are remembered per Pod; a status lags a second or two behind, so a handful would do. */
const EXITED_IDS_MAX = 64;

/**
 * This node's Pods: what the API server says, merged with what the runtime says earlier. Each method returns what
 * changed. A Pod is removed when its deletion was seen; one that is only missing from a list is `absent` until
 * `confirmGone` (law L1).
 */
export class PodTable {
  readonly #entries = new Map<string, Entry>();
  readonly #uids = new Map<string, string>();
  readonly #absent = new Set<string>();
  #isListed = false;
  #network: NodeNetwork | undefined;

  /** False until the first complete list: before, nothing may be reported. */
  get isListed(): boolean {
    return this.#isListed;
  }

  get size(): number {
    return this.#entries.size;
  }

  /**
   * Takes a consistent list, keys being `namespace/name`. What happened since the last word of a Pod may be missing here and
   * may have been told to coordinators by others, so that a Pod of another version is told again although it says the same.
   */
  replace(items: ReadonlyMap<string, ObservedPod>, wallNowMs: number): PodChange {
    const upserts = [...items].flatMap(([key, item]) => {
      const before = this.findByUid(item.record.uid)?.version;
      const [told] = this.apply(key, item, wallNowMs).upserts;
      const now = this.findByUid(item.record.uid);
      return told ?? (now && now.version !== before ? now : []);
    });
    for (const [uid, { key }] of this.#entries) if (!items.has(key)) this.#absent.add(uid);
    this.#isListed = true;
    return { upserts, removals: [] };
  }

  apply(key: string, item: ObservedPod, wallNowMs: number): PodChange {
    const { uid } = item.record;
    const previousUid = this.#uids.get(key);
    if (previousUid !== undefined && previousUid !== uid) this.#absent.add(previousUid);
    this.#uids.set(key, uid);
    this.#absent.delete(uid);
    const previous = this.#entries.get(uid);
    return this.#store(key, stampDeletion(item, previous?.record, wallNowMs), previous?.exitedIds ?? new Set());
  }

  /** Takes what the API server said, when asked, of a Pod on its way out. */
  deletionSeen(uid: string, deletion: Deletion, wallNowMs: number): PodChange {
    const entry = this.#entries.get(uid);
    if (!entry) return nothing();
    const observed = { ...entry.observed, record: { ...entry.observed.record, deletion } };
    return this.#store(entry.key, stampDeletion(observed, entry.record, wallNowMs), entry.exitedIds);
  }

  /** Takes the end of a Pod that the watch told. */
  delete(key: string): PodChange {
    const uid = this.#uids.get(key);
    return uid === undefined ? nothing() : this.#remove(uid);
  }

  /** Takes what the Node object says of its Pods' addresses; it decides on Pods that nothing else decides on. */
  setNetwork(network: NodeNetwork): PodChange {
    this.#network = network;
    const entries = [...this.#entries.values()];
    const upserts = entries.flatMap(entry => this.#store(entry.key, entry.observed, entry.exitedIds).upserts);
    return { upserts, removals: [] };
  }

  exit({ podUid, containerId }: ContainerExit): PodChange {
    const entry = this.#entries.get(podUid);
    if (!entry) return nothing();
    const exitedIds = new Set([...entry.exitedIds, containerId].slice(-EXITED_IDS_MAX));
    return this.#store(entry.key, entry.observed, exitedIds);
  }

  /** UIDs that a consistent list did not hold and whose sandbox was not yet seen gone. */
  absentUids(): string[] {
    return [...this.#absent];
  }

  /** Takes the proof that the runtime has no sandbox of an absent Pod. */
  confirmGone(uid: string): PodChange {
    return this.#absent.has(uid) ? this.#remove(uid) : nothing();
  }

  records(): PodRecord[] {
    return [...this.#entries.values()].map(({ record }) => record);
  }

  /**
   * The Pod that a call to `address` means. A freed address may already belong to a younger Pod while the older one's
   * status still names it: the one with a running container wins, then the younger. A deleted one whose
   * containers have all ended calls no more: then the call is that of a Pod of which nobody has told yet.
   */
  findByAddress(address: string): PodRecord | undefined {
    const candidates = this.records().filter(record => record.addresses.includes(address) && !hasEnded(record));
    return candidates.sort((a, b) => Number(isRunning(b)) - Number(isRunning(a)) || b.createdAtMs - a.createdAtMs)[0];
  }

  findByUid(uid: string): PodRecord | undefined {
    return this.#entries.get(uid)?.record;
  }

  /** The UID of the Pod that a preStop call with this token means. */
  findByToken(token: string): string | undefined {
    const holders = [...this.#entries].flatMap(
      ([
        podUid,
        {
          observed: { hook },
        },
      ]) => (hook.type === 'token' ? [{ podUid, token: hook.token }] : []),
    );
    return holderOf(token, holders);
  }

  /** Where the preStop calls of the Pods arrive that have not ended, sorted. */
  hookedAddresses(): string[] {
    const addresses = [...this.#entries.values()].flatMap(({ observed: { hook }, record }) => {
      if (hook.type === 'none') return [];
      // A Pod that has ended has no address any more.
      return hook.type === 'token' && record.addresses.length > 0 ? [LOOPBACK] : record.addresses;
    });
    return [...new Set(addresses)].sort();
  }

  #store(key: string, observed: ObservedPod, exitedIds: ReadonlySet<string>): PodChange {
    const { uid } = observed.record;
    const record = eniByNode(mergeExits(observed.record, exitedIds), this.#network);
    const previous = this.#entries.get(uid);
    this.#entries.set(uid, { key, observed, exitedIds, record });
    return previous && saysTheSame(previous.record, record) ? nothing() : { upserts: [record], removals: [] };
  }

  #remove(uid: string): PodChange {
    const entry = this.#entries.get(uid);
    if (!entry) return nothing();
    this.#entries.delete(uid);
    this.#absent.delete(uid);
    if (this.#uids.get(entry.key) === uid) this.#uids.delete(entry.key);
    return { upserts: [], removals: [uid] };
  }
}

/** What was once deleted stays so, also if a watch is behind what a question found out. */
function stampDeletion(item: ObservedPod, previous: PodRecord | undefined, wallNowMs: number): ObservedPod {
  const deletion = item.record.deletion ?? previous?.deletion;
  if (!deletion) return item;
  const seenAtMs = previous?.deletion?.seenAtMs ?? wallNowMs;
  return { ...item, record: { ...item.record, deletion: { ...deletion, seenAtMs } } };
}

/** Apart from the version: the API server's grows with every write, of which most say nothing to coordinators. */
function saysTheSame({ version: _, ...a }: PodRecord, { version: __, ...b }: PodRecord): boolean {
  return isDeepStrictEqual(a, b);
}

function isRunning({ containers }: PodRecord): boolean {
  return containers.some(({ state }) => state === ContainerState.RUNNING);
}

function hasEnded(record: PodRecord): boolean {
  return record.deletion !== undefined && allContainersExited(record);
}

function nothing(): PodChange {
  return { upserts: [], removals: [] };
}

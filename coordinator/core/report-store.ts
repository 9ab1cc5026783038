import { strict as assert } from 'node:assert';
import { isDeepStrictEqual } from 'node:util';
import type { PodRecord } from '../../common/pod-record.ts';
import { hasEnded, withFacts } from './lasting-facts.ts';
import { API_SERVER, NodeReports, type NodeState, type Teller } from './node-reports.ts';
import type { NodeSign } from './node-sign.ts';
import { firstTold, onNetworkOf, retold, type Telling } from './telling.ts';

/** A Pod as its node's agents last described it. */
export interface StoredPod {
  readonly record: PodRecord;
  readonly node: string;
  /** Monotonic milliseconds of this process. */
  readonly firstSeenAt: number;
  /** When a deletion was first reported, in this process's monotonic milliseconds. */
  readonly deletionSeenAt: number | undefined;
  /** An agent knows of it and its address, and not only the API server: its hooks are held. */
  readonly isToldByAgent: boolean;
}

/**
 * Evidence that a Pod is no more (law L1). Absence alone never makes one. With a `node` it is a claim only: an agent may
 * call gone what it had by its own word alone (law L12).
 */
export interface Tombstone {
  readonly at: number;
  readonly evidence: 'deletion seen on a watch' | 'absent from a consistent snapshot' | 'the API server says so';
  /** Whose agent said so; undefined when it was the API server, or when that has the Pod on the agent's node. */
  readonly node?: string;
  /** Whether its containers were seen to end before: who deletes a Pod by force may leave them running. */
  readonly sawEnd: boolean;
}

/** What another node's agent says of a Pod that is taken for a Pod of this node. */
interface Rival {
  readonly node: string;
  readonly record: PodRecord;
  readonly teller: Teller;
}

interface Entry extends StoredPod {
  readonly telling: Telling;
}

interface LeavingOut {
  readonly node: string;
  readonly teller: Teller;
  readonly reports: NodeReports;
  readonly now: number;
}

/** Tombstones are kept for longer than any write or read can be under way, then the API server is asked again. */
const TOMBSTONE_LIFE_MS = 600_000;
const TOMBSTONES_MAX = 50_000;
/** Pods that two nodes claim; of more than that, the first to speak is believed until the API server is asked. */
const RIVALS_MAX = 10_000;
/** Pods that the API server has placed and no agent has told of; of more than that, the oldest are forgotten. */
const AWAITED_MAX = 10_000;

/**
 * The coordinator's memory of all agents. Changes only through what agents say, what the API server answers, and what it
 * tells of the Pods of nodes without an agent; a silent node changes nothing in it.
 *
 * Of two agents on one node the younger is believed, since the other is on its way out and may be behind; and one that is
 * blind after all others, the API server among them. An agent takes nothing back that the API server said later. What any
 * of them tells of deletions and exits counts all the same.
 * `session` names who speaks, and may be left out where a node has one agent.
 */
export class ReportStore {
  readonly #pods = new Map<string, Entry>();
  readonly #nodes = new Map<string, NodeReports>();
  readonly #tombstones = new Map<string, Tombstone>();
  /** By Pod UID, until the API server has said where the Pod is. */
  readonly #rivals = new Map<string, Rival>();
  /** Where the API server said that the Pods of the store are, by UID. */
  readonly #places = new Map<string, string>();
  /** The same of Pods of which no agent has told yet. */
  readonly #awaited = new Map<string, string>();
  readonly #onChange: (podUid: string) => void;
  readonly #onSigns: (node: string) => void;

  /**
   * @param onChange told of every Pod of which another thing is known than before; must not change the store
   * @param onSigns told of every node whose end is announced otherwise than before; must not change the store
   */
  constructor(onChange: (podUid: string) => void = () => undefined, onSigns: (node: string) => void = () => undefined) {
    this.#onChange = onChange;
    this.#onSigns = onSigns;
  }

  get pods(): ReadonlyMap<string, StoredPod> {
    return this.#pods;
  }
  get nodes(): ReadonlyMap<string, NodeState> {
    return this.#nodes;
  }
  podUidsOf(node: string): Iterable<string> {
    return this.#nodes.get(node)?.podUids ?? [];
  }
  /** Everything that announces the node's end now. */
  signsOf(node: string): readonly NodeSign[] {
    return this.#nodes.get(node)?.signs ?? [];
  }
  /** The agent process behind a session. */
  tellerOf(node: string, session: string): Teller {
    return this.#node(node).teller(session);
  }
  tombstone(podUid: string): Tombstone | undefined {
    return this.#tombstones.get(podUid);
  }

  /** Whether somebody is there who would tell of the Pod's end: one that told of it, who sees, and whom nobody contradicts. */
  hasWitness(podUid: string): boolean {
    const entry = this.#pods.get(podUid);
    if (!entry || this.isDisputed(podUid)) return false;
    const { teller } = entry.telling;
    const reports = this.#nodes.get(entry.node);
    return reports?.isOpen(teller) === true && !reports.isBlinded(teller);
  }

  /** Whether two nodes claim the Pod, and the API server has not yet said which has it. */
  isDisputed(podUid: string): boolean {
    return this.#rivals.has(podUid);
  }

  /** Whether the API server has said that the Pod is on the node that it is taken for a Pod of. */
  isPlaced(podUid: string): boolean {
    return this.#places.has(podUid);
  }

  /** A stream of the node was opened. */
  open(node: string, session: string, teller: Teller): void {
    this.#node(node).open(session, teller);
  }

  /**
   * The agent does not learn what becomes of its Pods, until it tells of all of them anew. What its runtime and its hooks
   * tell counts as before; where the API server says another thing of a Pod, that counts.
   */
  blinded(node: string, session: string): void {
    const reports = this.#node(node);
    reports.sees(reports.teller(session), false);
  }

  /**
   * The stream is gone. The node's Pods stay as they are, and so does what announces its end (law L1). Only what nobody
   * but the API server has told is forgotten, since from now on nobody would tell of its end; and what an older agent alone
   * has told, when the younger has told of all its Pods.
   */
  close(node: string, session: string): void {
    const reports = this.#nodes.get(node);
    if (!reports) return;
    const teller = reports.teller(session);
    if (reports.close(session)) this.#onSigns(node);
    if (teller === API_SERVER || (!reports.isOpen(teller) && reports.hasYoungerList(teller))) {
      for (const uid of [...reports.podUids]) this.#giveUpIfTold(uid, teller);
    }
    this.#dropIfEmpty(node);
  }

  /**
   * Takes a node's full list. What is missing from it says something only when the list was consistent. What the youngest
   * agent had told of before is gone then. Forgotten, so that the API server is asked about its targets one by one, is what
   * an agent had told of that has not listed its Pods since, as before all streams of the node broke, and what an older
   * agent takes back by its own list. So is whatever a list of the API server lacks: a container may outlive its Pod's
   * object, and no agent says that it has not.
   */
  replace(
    node: string,
    pods: readonly PodRecord[],
    options: { consistent: boolean; now: number; session?: string; isBlind?: boolean },
  ): void {
    const present = new Set(pods.map(pod => pod.uid));
    const reports = this.#node(node);
    const teller = reports.teller(options.session);
    reports.sees(teller, options.isBlind !== true);
    for (const pod of pods) this.#upsert(node, pod, teller, options.now);
    if (!options.consistent) return;
    reports.listed(options.session);
    for (const uid of [...reports.podUids]) {
      if (!present.has(uid)) this.#leaveOut(uid, { node, teller, reports, now: options.now });
    }
    if (teller === API_SERVER || reports.isYoungest(teller)) {
      for (const [uid, rival] of this.#rivals) if (rival.node === node && !present.has(uid)) this.#withdraw(uid);
    }
  }

  apply(
    node: string,
    delta: { upserts: readonly PodRecord[]; removals: readonly string[]; session?: string },
    now: number,
  ): void {
    const teller = this.#node(node).teller(delta.session);
    for (const pod of delta.upserts) this.#upsert(node, pod, teller, now);
    for (const uid of delta.removals) {
      if (this.#pods.get(uid)?.node === node) this.#bury(uid, { at: now, evidence: 'deletion seen on a watch', node });
      else if (this.#rivals.get(uid)?.node === node) this.#withdraw(uid);
    }
  }

  /** All that announces the node's end, as one of its agents sees it now. */
  notice(node: string, session: string, signs: readonly NodeSign[]): void {
    if (this.#node(node).notice(session, signs)) this.#onSigns(node);
  }

  /**
   * A consistent GET said on which node the Pod is: an agent of another one that spoke first is believed no longer, and
   * whatever the right one has told since counts (law L12).
   */
  placed(podUid: string, node: string, now: number): void {
    const rival = this.#rivals.get(podUid);
    this.#rivals.delete(podUid);
    if (this.#tombstones.get(podUid)?.node !== undefined) this.#tombstones.delete(podUid);
    const known = this.#pods.get(podUid);
    if (known && known.node !== node) {
      this.#forget(podUid);
      if (rival?.node === node) this.#upsert(node, rival.record, rival.teller, now);
    } else if (rival) this.#onChange(podUid);
    if (!this.#pods.has(podUid)) this.#await(podUid, node);
    else if (!this.#places.has(podUid)) {
      this.#places.set(podUid, node);
      this.#onChange(podUid);
    }
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

  #upsert(node: string, record: PodRecord, teller: Teller, now: number): void {
    assert(record.uid !== '', 'a reported Pod has a UID');
    const known = this.#pods.get(record.uid);
    // A Pod never moves: another node that claims it is not believed (law L12).
    if (known && known.node !== node) {
      if (!this.#places.has(record.uid)) this.#dispute(node, record, teller);
      return;
    }
    if (this.#isBuried(record.uid, node)) return;
    if (!known && (this.#nodes.get(node)?.isOutdone(teller) || !this.#mayBeOn(record.uid, node))) return;
    if (teller.agent === API_SERVER.agent) this.#places.set(record.uid, node);
    const telling = known ? this.#retold(known, record, teller) : firstTold({ teller, record });
    const merged = withFacts(telling.word, telling.facts);
    const isHeld = teller.agent !== API_SERVER.agent && record.addresses.length > 0;
    const isToldByAgent = known?.isToldByAgent === true || isHeld;
    // A snapshot repeats what is known of most Pods.
    if (known && known.isToldByAgent === isToldByAgent && isDeepStrictEqual(known.record, merged)) {
      // The same object as before: whoever compares references sees that nothing changed, and nothing is kept twice.
      const word = telling.word === merged ? known.record : telling.word;
      this.#pods.set(record.uid, { ...known, telling: { ...telling, word } });
      return;
    }
    this.#pods.set(record.uid, {
      record: merged,
      node,
      firstSeenAt: known?.firstSeenAt ?? now,
      deletionSeenAt: known?.deletionSeenAt ?? (merged.deletion ? now : undefined),
      isToldByAgent,
      telling,
    });
    this.#node(node).podUids.add(record.uid);
    this.#onChange(record.uid);
  }

  #await(podUid: string, node: string): void {
    this.#awaited.delete(podUid);
    this.#awaited.set(podUid, node);
    const [oldest] = this.#awaited.keys();
    if (this.#awaited.size > AWAITED_MAX && oldest !== undefined) this.#awaited.delete(oldest);
  }

  /** Whether an agent may be the first to tell of the Pod. The API server's word about its node stays true. */
  #mayBeOn(podUid: string, node: string): boolean {
    const place = this.#awaited.get(podUid);
    if (place === undefined) return true;
    if (place !== node) return false;
    this.#awaited.delete(podUid);
    this.#places.set(podUid, node);
    return true;
  }

  #dispute(node: string, record: PodRecord, teller: Teller): void {
    if (this.#rivals.size >= RIVALS_MAX) return;
    this.#rivals.set(record.uid, { node, record, teller });
    this.#onChange(record.uid);
  }

  #withdraw(podUid: string): void {
    this.#rivals.delete(podUid);
    this.#onChange(podUid);
  }

  /**
   * The UID of a Pod that is proven gone never comes back; a late message of a stale stream may still carry it. What an
   * agent of another node said of it is no proof.
   */
  #isBuried(podUid: string, node: string): boolean {
    const tombstone = this.#tombstones.get(podUid);
    if (tombstone?.node !== undefined && tombstone.node !== node) this.#tombstones.delete(podUid);
    return this.#tombstones.has(podUid);
  }

  #retold({ telling, record: before, node }: Entry, record: PodRecord, teller: Teller): Telling {
    const told = { teller, record: teller === API_SERVER ? onNetworkOf(before, record) : record };
    const isSame = telling.teller.agent === teller.agent;
    return retold(telling, told, isSame || this.#node(node).supersedes(teller, telling.teller));
  }

  #leaveOut(podUid: string, { node, teller, reports, now }: LeavingOut): void {
    const other = this.#pods.get(podUid)?.telling.teller;
    if (!other) return;
    if (other.agent !== teller.agent) {
      // Of two agents that are there, either may have seen it first. A blind one has not seen what the API server has.
      const isBehind = other === API_SERVER ? !reports.isBlinded(teller) : !reports.hasListed(other);
      if (isBehind || (teller === API_SERVER && reports.isBlinded(other))) this.#giveUp(podUid, now);
    } else if (teller === API_SERVER || !reports.isYoungest(teller)) this.#giveUp(podUid, now);
    else this.#bury(podUid, { at: now, evidence: 'absent from a consistent snapshot', node });
  }

  #giveUpIfTold(podUid: string, { agent }: Teller): void {
    const known = this.#pods.get(podUid);
    if (known?.telling.teller.agent === agent) this.#giveUp(podUid, known.firstSeenAt);
  }

  #bury(podUid: string, { node, ...evidence }: Omit<Tombstone, 'sawEnd'>): void {
    const known = this.#pods.get(podUid);
    // Whom the API server has on this node, no other one has.
    const isCertain = node === undefined || this.#places.get(podUid) === node;
    const tombstone = {
      ...evidence,
      ...(isCertain ? {} : { node }),
      sawEnd: known ? hasEnded(known.record) : this.#tombstones.get(podUid)?.sawEnd === true,
    };
    if (isCertain || !this.#rivals.has(podUid)) this.#tombstones.set(podUid, tombstone);
    this.#awaited.delete(podUid);
    this.#giveUp(podUid, tombstone.at);
  }

  /** Who no longer claims the Pod has said nothing of the other node's. */
  #giveUp(podUid: string, now: number): void {
    const rival = this.#rivals.get(podUid);
    this.#forget(podUid);
    if (rival) this.#upsert(rival.node, rival.record, rival.teller, now);
  }

  #forget(podUid: string): void {
    const node = this.#pods.get(podUid)?.node;
    this.#pods.delete(podUid);
    this.#places.delete(podUid);
    this.#rivals.delete(podUid);
    if (node !== undefined) {
      this.#nodes.get(node)?.podUids.delete(podUid);
      this.#dropIfEmpty(node);
    }
    this.#onChange(podUid);
  }

  #node(node: string): NodeReports {
    const known = this.#nodes.get(node);
    if (known) return known;
    const fresh = new NodeReports(node);
    this.#nodes.set(node, fresh);
    return fresh;
  }

  /** A node without agent and Pods has left the cluster, or has nothing to tell. */
  #dropIfEmpty(node: string): void {
    const reports = this.#nodes.get(node);
    if (!reports || reports.connected || reports.podUids.size > 0) return;
    this.#nodes.delete(node);
    if (reports.signs.length > 0) this.#onSigns(node);
  }
}

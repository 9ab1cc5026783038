import { type Clock, sleep } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import type { Random } from '../../common/random.ts';
import { isOwnFault, type NodeVerdict, nodeVerdict, type Reach } from '../core/node-loss.ts';
import type { Knowledge } from '../knowledge.ts';
import { isSuperNode } from '../nodes/super-node.ts';
import type { LeaderPorts } from './leader-ports.ts';
import { askNeighbours, type Door } from './neighbours.ts';

export interface NodeLossesOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly knowledge: Pick<Knowledge, 'store' | 'presence' | 'nodes'>;
  readonly ports: Pick<LeaderPorts, 'probe'>;
  /** A port of one of the node's Pods that CLB sends to; undefined when there is none. */
  readonly targetOn: (node: string) => Door | undefined;
  /** The node is lost or in doubt now, or is not any more. */
  readonly onChange: (node: string) => void;
}

/** A node whose agents do not speak, or have not told of its Pods since they did not. */
interface Suspect {
  /** When they spoke last; of a node that never had any, when it was first doubted. */
  readonly since: number;
  /** False: an agent is there, and has yet to tell of the node's Pods. */
  readonly isSilent: boolean;
  readonly isAsked: boolean;
  /** When neighbours were asked last. */
  readonly askedAt: number | undefined;
  /** Undefined until the first answers. */
  readonly verdict: NodeVerdict | undefined;
  /** Since when nothing but the silence of its agents says that its kubelet does not report. */
  readonly soundSince: number | undefined;
}

const UNASKED = { isAsked: false, askedAt: undefined, verdict: undefined, soundSince: undefined };

/** What others see of a node with which something is wrong. */
type Standing = 'lost' | 'in doubt';

const LOOK_INTERVAL_MS = 500;
/** Nodes that neighbours are asked about at the same time; each costs at most six probes. */
const ROUNDS_MAX = 32;
/** A kubelet that is back writes every 10 s whatever the API server does not know of its Pods yet. */
const KUBELET_CATCHES_UP_MS = 12_000;
/**
 * The API server calls a node ready for 50 s after its kubelet's last word (kubernetes 1.34; 40 s before 1.32), and looks
 * every 5 s.
 */
const KUBELET_DEATH_SHOWS_MS = 60_000;
const ASK_AGAIN_MS: Readonly<Record<NodeVerdict, number>> = { lost: 3_000, undecided: 3_000, alive: 5_000 };

/**
 * Which nodes are lost: their agents have fallen silent, and other nodes' agents reach them no more. Begun anew by each
 * leader, who leaves the targets of silent nodes as they are until it has asked.
 */
export class NodeLosses {
  readonly #options: NodeLossesOptions;
  readonly #suspects = new Map<string, Suspect>();
  /** As it was told last: what is known of a node may have changed since without a word from here. */
  #seen = new Map<string, Standing>();
  #isHeld = false;

  constructor(options: NodeLossesOptions) {
    this.#options = options;
  }

  isLost(node: string): boolean {
    return this.#suspects.get(node)?.verdict === 'lost';
  }

  /**
   * Whether nobody tells what becomes of the node's Pods: what is known of them is from before its agents fell silent, and
   * a new stream changes nothing of that before the agent has told of all its Pods on it. The own watch knows no more than
   * the kubelet has told the API server, and that is old while the kubelet may be silent, too, and just after.
   */
  isInDoubt(node: string): boolean {
    const suspect = this.#suspects.get(node) ?? this.#suspectAnew(node);
    if (!suspect || suspect.verdict === 'lost') return false;
    const isWatched = this.#options.knowledge.store.nodes.get(node)?.isWatched === true;
    return !isWatched || !this.#isCaughtUp(node, suspect);
  }

  /** So many nodes fell silent together that none of them is taken for lost. */
  get isHeld(): boolean {
    return this.#isHeld;
  }

  get lostNodes(): readonly string[] {
    return [...this.#suspects.keys()].filter(node => this.isLost(node));
  }

  /** Looks after silent nodes until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const rounds = new Set<Promise<void>>();
    while (!signal.aborted) {
      this.look();
      for (const node of this.#due()) {
        if (rounds.size >= ROUNDS_MAX) break;
        const round = this.#ask(node, signal);
        rounds.add(round);
        void round.finally(() => rounds.delete(round));
      }
      await sleep(this.#options.clock, LOOK_INTERVAL_MS, signal).catch(() => undefined);
    }
    await Promise.all(rounds);
  }

  /** Takes over who is silent now. A new term does so before it does anything else. */
  look(): void {
    const { knowledge, onChange } = this.#options;
    const before = new Map(this.#suspects);
    this.#suspects.clear();
    for (const node of knowledge.store.nodes.keys()) {
      const suspicion = this.#suspicionOf(node, before.get(node));
      if (suspicion) this.#suspects.set(node, suspicion);
    }
    this.#hold();
    const seenBefore = this.#seen;
    this.#seen = this.#standings();
    for (const node of new Set([...seenBefore.keys(), ...this.#seen.keys()])) {
      if (seenBefore.get(node) !== this.#seen.get(node)) onChange(node);
    }
  }

  /** Pods of a node may become known between two looks. */
  #suspectAnew(node: string): Suspect | undefined {
    const suspect = this.#suspicionOf(node, undefined);
    if (!suspect) return undefined;
    this.#suspects.set(node, suspect);
    this.#seen.set(node, 'in doubt');
    return suspect;
  }

  /** What others see of nodes with which something is wrong. */
  #standings(): Map<string, Standing> {
    const standings = new Map<string, Standing>();
    for (const node of this.#suspects.keys()) {
      if (this.isLost(node)) standings.set(node, 'lost');
      else if (this.isInDoubt(node)) standings.set(node, 'in doubt');
    }
    return standings;
  }

  #suspicionOf(node: string, before: Suspect | undefined): Suspect | undefined {
    const { clock, knowledge } = this.#options;
    const { presence } = knowledge;
    const now = clock.now();
    const known = before ?? { ...UNASKED, since: now };
    const silentSince = presence.silentSince(node, now);
    if (silentSince !== undefined) return this.#weighed(node, { ...known, since: silentSince, isSilent: true });
    if (presence.isReporting(node)) return undefined;
    const heard = this.#weighed(node, { ...known, verdict: undefined, isSilent: false });
    if (presence.hasSpoken(node)) return heard;
    // Of a node that never had an agent only the API server can tell that something is wrong.
    const object = knowledge.nodes.objectOf(node);
    if (object === 'not-ready' || object === 'gone') return this.#weighed(node, { ...known, isSilent: true });
    const isSure = before ? this.#isCaughtUp(node, heard) : object !== 'ready' || this.#showsDeath(node);
    return isSure ? undefined : heard;
  }

  #weighed(node: string, suspect: Suspect): Suspect {
    const { clock } = this.#options;
    return { ...suspect, soundSince: this.#isSound(node, suspect) ? (suspect.soundSince ?? clock.now()) : undefined };
  }

  /** Whether nobody says that the kubelet is silent, too: neither the API server nor, where they may be asked, neighbours. */
  #isSound(node: string, { isSilent, verdict }: Suspect): boolean {
    if (this.#options.knowledge.nodes.objectOf(node) !== 'ready') return false;
    if (!isSilent) return true;
    return verdict === undefined ? this.#isHeld : verdict !== 'lost';
  }

  #isCaughtUp(node: string, { soundSince }: Suspect): boolean {
    const isSound = soundSince !== undefined && this.#options.clock.now() >= soundSince + KUBELET_CATCHES_UP_MS;
    return isSound && this.#showsDeath(node);
  }

  /**
   * Whether this replica would know if the node had died: it has heard its agent, or had its object for as long as the death
   * of a kubelet takes to show there.
   */
  #showsDeath(node: string): boolean {
    const { clock, knowledge } = this.#options;
    if (knowledge.presence.hasSpoken(node) || isSuperNode(node)) return true;
    const { listedAt } = knowledge.nodes;
    return listedAt !== undefined && clock.now() >= listedAt + KUBELET_DEATH_SHOWS_MS;
  }

  #hold(): void {
    const { knowledge, log } = this.#options;
    const { store, nodes } = knowledge;
    const silent = [...this.#suspects.values()].flatMap(({ since, isSilent }) => (isSilent ? since : []));
    const isHeld = isOwnFault(silent, Math.max(nodes.size, store.nodes.size));
    if (isHeld === this.#isHeld) return;
    this.#isHeld = isHeld;
    if (isHeld) log.warn('many agents fell silent together: no node is taken for lost', { silent: silent.length });
    else log.info('most agents speak again: silent nodes are judged one by one', { silent: silent.length });
  }

  *#due(): Iterable<string> {
    const now = this.#options.clock.now();
    for (const [node, { isSilent, isAsked, askedAt, verdict }] of this.#suspects) {
      if (!isSilent) continue;
      const isNext = askedAt === undefined || now >= askedAt + ASK_AGAIN_MS[verdict ?? 'undecided'];
      if (!isAsked && isNext && (!this.#isHeld || verdict === 'lost')) yield node;
    }
  }

  async #ask(node: string, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    this.#note(node, { isAsked: true, askedAt: clock.now() });
    const tries = await askNeighbours(this.#doorsOf(node), this.#neighboursOf(node), this.#options, signal).catch(
      error => {
        if (!signal.aborted) throw error;
        return undefined;
      },
    );
    this.#note(node, { isAsked: false });
    if (tries) this.#judge(node, tries);
  }

  #judge(node: string, tries: readonly (readonly Reach[])[]): void {
    const { knowledge, log, onChange } = this.#options;
    this.look();
    const suspect = this.#suspects.get(node);
    if (!suspect?.isSilent) return;
    const object = knowledge.nodes.objectOf(node);
    const found = nodeVerdict({ object, hasSpoken: knowledge.presence.hasSpoken(node), tries });
    if (found === 'lost' && this.#isHeld) return;
    // Where nobody can say anything new, what was found before stands.
    const verdict = found === 'undecided' ? (suspect.verdict ?? found) : found;
    if (verdict === suspect.verdict) return;
    this.#note(node, { verdict });
    this.#seen = this.#standings();
    log.info('a silent node was judged', { node, object, verdict, tries });
    onChange(node);
  }

  #note(node: string, change: Partial<Suspect>): void {
    const suspect = this.#suspects.get(node);
    if (suspect) this.#suspects.set(node, this.#weighed(node, { ...suspect, ...change }));
  }

  #doorsOf(node: string): readonly Door[] {
    const { knowledge, targetOn } = this.#options;
    const record = knowledge.nodes.get(node);
    const kubelet = record?.address === undefined ? [] : [{ address: record.address, port: record.kubeletPort }];
    return [...kubelet, ...[targetOn(node) ?? []].flat()];
  }

  #neighboursOf(node: string): readonly string[] {
    const { store, presence } = this.#options.knowledge;
    return [...store.nodes.keys()].filter(
      other => other !== node && presence.isReporting(other) && !this.#suspects.has(other),
    );
  }
}

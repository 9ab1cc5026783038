import { isDeepStrictEqual } from 'node:util';
import { type Clock, sleep } from '../../common/clock.ts';
import type { Node } from '../../common/kube/objects.ts';
import { type ReflectorEvent, runReflector } from '../../common/kube/reflector.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Logger } from '../../common/logger.ts';
import type { NodeNetwork } from '../../common/pods/node-network.ts';
import type { Random } from '../../common/random.ts';
import type { NodeNotice } from '../../proto/gen/clbdirect/v1/report.ts';
import type { AgentMetrics } from '../metrics.ts';
import { isEnding, noticeOf, type SignsBySource, withSigns } from './node-signs.ts';
import { type NodeView, projectNode } from './node-view.ts';
import { signName } from './sign-name.ts';
import type { NodeSignSource, Sign } from './sign-source.ts';

export interface NodeWatchOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly metrics: AgentMetrics;
  readonly nodeName: string;
  /** What knows of the node's end besides its Node object. */
  readonly sources: readonly NodeSignSource[];
  /** Something else announces the node's end now. */
  readonly onNotice: (notice: NodeNotice) => void;
  /** The Node object says something else about where its Pods' addresses come from. */
  readonly onNetwork: (network: NodeNetwork) => void;
}

const NODE_OBJECT = 'Node object';
/** What else may announce the node's end has had its say by then. */
const FIRST_LOOK_MS = 2_000;

/**
 * Watches the node itself: its object in the API server, and everything else that may announce its end. What a source
 * said stands until it says something else: a source that falls silent takes nothing back (law L1).
 */
export class NodeWatch {
  readonly #options: NodeWatchOptions;
  #signs: SignsBySource = new Map();
  #notice: NodeNotice = { signs: [] };
  #network: NodeNetwork | undefined;
  #hasReadNode = false;
  #hasLookedAround = false;

  constructor(options: NodeWatchOptions) {
    this.#options = options;
  }

  /**
   * All that announces the node's end now. Undefined while nothing does and not everything was asked once: an agent that
   * has just started must not take back what the one before it said (law L1).
   */
  notice(): NodeNotice | undefined {
    const isKnown = this.#hasReadNode && this.#hasLookedAround;
    return isKnown || this.#notice.signs.length > 0 ? this.#notice : undefined;
  }

  /** Whether the node ends for certain, so that its Pods will not be back. */
  isNodeEnding(): boolean {
    return isEnding(this.#notice);
  }

  /** Runs until `signal` aborts; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { sources } = this.#options;
    const others = sources.map(source => source.run(signs => this.#tell(source.name, signs), signal));
    await Promise.all([this.#lookAround(signal), this.#runReflector(signal), ...others]);
  }

  async #lookAround(signal: AbortSignal): Promise<void> {
    await sleep(this.#options.clock, FIRST_LOOK_MS, signal).catch(() => undefined);
    this.#hasLookedAround = true;
    if (!signal.aborted) this.#tellQuiet();
  }

  /** Nothing announces the node's end; if something did, it was told when it came. */
  #tellQuiet(): void {
    const notice = this.notice();
    if (notice?.signs.length === 0) this.#options.onNotice(notice);
  }

  #runReflector(signal: AbortSignal): Promise<void> {
    const { transport, clock, random, nodeName, log, metrics } = this.#options;
    const onError = (error: unknown) => {
      metrics.nodeListOrWatchFailed();
      log.warn('the Node object was not listed or watched, will try again', { node: nodeName, error });
    };
    const query = { fieldSelector: `metadata.name=${nodeName}` };
    const onEvent = (event: ReflectorEvent<NodeView>) => this.#take(event);
    const path = '/api/v1/nodes';
    return runReflector<Node, NodeView>(
      { transport, clock, random, path, query, project: projectNode, onEvent, onError },
      signal,
    );
  }

  /** A Node that was deleted leaves its last word: the machine runs, or nobody would read this. */
  #take(event: ReflectorEvent<NodeView>): void {
    switch (event.type) {
      case 'replaced':
        for (const view of event.items.values()) this.#see(view);
        break;
      case 'applied':
        this.#see(event.item);
        break;
      case 'deleted':
        this.#options.log.warn('the Node object of this node was deleted', { node: this.#options.nodeName });
        break;
      case 'progressed':
        break;
    }
  }

  #see({ signs, network: seen }: NodeView): void {
    const isFirst = !this.#hasReadNode;
    this.#hasReadNode = true;
    this.#tell(NODE_OBJECT, signs);
    if (isFirst) this.#tellQuiet();
    // A resource that was offered once tells how Pods got their addresses, whatever becomes of its device plugin.
    const network = { ...seen, eniResource: seen.eniResource ?? this.#network?.eniResource };
    if (isDeepStrictEqual(network, this.#network)) return;
    this.#network = network;
    this.#options.onNetwork(network);
  }

  #tell(source: string, signs: readonly Sign[]): void {
    const { clock, log, metrics, onNotice } = this.#options;
    this.#signs = withSigns(this.#signs, { source, signs, wallNowMs: clock.wallNow() });
    const notice = noticeOf(this.#signs);
    if (isDeepStrictEqual(notice, this.#notice)) return;
    this.#notice = notice;
    const kinds = notice.signs.map(({ kind }) => kind);
    metrics.nodeSigns(kinds);
    log.info('what announces the end of this node has changed', { signs: notice.signs.map(sentence), source });
    onNotice(notice);
  }
}

function sentence({ kind, detail }: NodeNotice['signs'][number]): string {
  return `${signName(kind)}: ${detail}`;
}

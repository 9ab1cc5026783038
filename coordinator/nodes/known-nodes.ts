import type { ReflectorEvent } from '../../common/kube/reflector.ts';
import type { NodeObject } from '../core/node-loss.ts';
import type { NodeRecord } from '../kube/node-reflector.ts';

/** Kubernetes is made for 5,000. What is beyond is not kept, and nothing is concluded from its absence. */
const NODES_MAX = 20_000;

/** The Nodes of the cluster, as the API server told of them last. */
export class KnownNodes {
  readonly #nodes = new Map<string, NodeRecord>();
  #isComplete = false;
  #listedAt: number | undefined;

  get size(): number {
    return this.#nodes.size;
  }

  get names(): Iterable<string> {
    return this.#nodes.keys();
  }

  get(node: string): NodeRecord | undefined {
    return this.#nodes.get(node);
  }

  /** When all were listed for the first time, in this process's monotonic milliseconds. */
  get listedAt(): number | undefined {
    return this.#listedAt;
  }

  /** `unknown` before all were listed once. */
  objectOf(node: string): NodeObject {
    const record = this.#nodes.get(node);
    if (record) return record.isReady ? 'ready' : 'not-ready';
    return this.#isComplete ? 'gone' : 'unknown';
  }

  apply(event: ReflectorEvent<NodeRecord>, now: number): void {
    switch (event.type) {
      case 'replaced':
        this.#nodes.clear();
        this.#isComplete = true;
        this.#listedAt ??= now;
        for (const [name, record] of event.items) this.#set(name, record);
        return;
      case 'applied':
        this.#set(event.key, event.item);
        return;
      case 'deleted':
        this.#nodes.delete(event.key);
        return;
      case 'progressed':
        return;
    }
  }

  #set(name: string, record: NodeRecord): void {
    if (this.#nodes.size < NODES_MAX || this.#nodes.has(name)) this.#nodes.set(name, record);
    else this.#isComplete = false;
  }
}

import type { PodView } from '../core/cluster-view.ts';
import type { LeaderPorts } from './leader-ports.ts';

/** The cloud's names of nodes, asked for when a Pod in a node's own network is wanted somewhere. */
export class Instances {
  readonly #ports: Pick<LeaderPorts, 'findInstance'>;
  readonly #found = new Map<string, string>();
  /** By node, the Pods that wait for its name. */
  readonly #waiting = new Map<string, Set<string>>();

  constructor(ports: Pick<LeaderPorts, 'findInstance'>) {
    this.#ports = ports;
  }

  of(node: string): string | undefined {
    return this.#found.get(node);
  }

  /** The Pod is to be bound by its node. */
  want({ node, record, instanceId }: PodView): void {
    if (instanceId !== undefined) return;
    const waiting = this.#waiting.get(node);
    if (waiting) {
      waiting.add(record.uid);
      return;
    }
    this.#waiting.set(node, new Set([record.uid]));
    this.#ports.findInstance(node);
  }

  /** @returns the Pods that waited for it */
  found(node: string, instanceId: string | undefined): Iterable<string> {
    const waiting = this.#waiting.get(node) ?? [];
    this.#waiting.delete(node);
    if (instanceId === undefined) return [];
    this.#found.set(node, instanceId);
    return waiting;
  }
}

import type { NodeSignKind } from '../../proto/gen/clbdirect/v1/report.ts';

/** One thing that announces the node's end. */
export interface Sign {
  readonly kind: NodeSignKind;
  /** What the source says, for people. */
  readonly detail: string;
}

/** Something outside of the API server that knows when the node ends: the machine's logind, the cloud's metadata. */
export interface NodeSignSource {
  readonly name: string;
  /** One sentence: what it hears now, or why it hears nothing. */
  describe(): string;
  /**
   * Runs until `signal` aborts, and never rejects. Calls `tell` with all of the source's signs whenever they change, with
   * none when the last one is gone; a source that has become unreadable says nothing, which takes nothing back.
   */
  run(tell: (signs: readonly Sign[]) => void, signal: AbortSignal): Promise<void>;
}

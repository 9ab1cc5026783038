import type { HealthStatus } from './health.ts';
import type { Change, Place, TargetChange } from './state.ts';

/** What happened to one target in one forwarder; the counts are those of this forwarder alone. */
export interface ForwardedTarget extends Place {
  readonly kind: TargetChange['kind'];
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  /** Connections open at that moment; those of a deregistered target were cut. */
  readonly liveConnections: number;
  readonly openedConnections: number;
  /** Wall milliseconds; absent when there was none. */
  readonly lastOpenedAt?: number;
  readonly lastClosedAt?: number;
}

/** All moments are wall-clock milliseconds since the Unix epoch. */
export type JournalRecord =
  /** A call, written when it was answered. */
  | {
      readonly kind: 'call';
      readonly at: number;
      readonly finishedAt: number;
      readonly action: string;
      readonly parameters: unknown;
      /** Empty on success. */
      readonly code: string;
      readonly message: string;
      readonly requestId: string;
      readonly replyLost: boolean;
      /** Set when somebody else made it. */
      readonly foreign?: true;
    }
  /** What a call changed, written when a read shows it for the first time. */
  | {
      readonly kind: 'change';
      readonly at: number;
      readonly action: string;
      readonly requestId: string;
      readonly changes: readonly Change[];
    }
  /** A forwarder followed a change. */
  | {
      readonly kind: 'forwarded';
      readonly at: number;
      readonly forwarder: number;
      readonly requestId: string;
      readonly targets: readonly ForwardedTarget[];
    }
  | (Place & {
      readonly kind: 'health';
      readonly at: number;
      readonly address: string;
      readonly port: number;
      readonly status: HealthStatus;
    })
  /** Something the sandbox's own machine refused, for example a port below 1024. */
  | { readonly kind: 'data-plane-error'; readonly at: number; readonly message: string };

export type NumberedRecord = JournalRecord & { readonly sequence: number };

/** How many records stay in memory; listeners get every one. */
const RECORDS_MAX = 20_000;

/** Everything that happened, in order. */
export class Journal {
  #sequence = 0;
  #records: NumberedRecord[] = [];
  readonly #listeners = new Set<(record: NumberedRecord) => void>();

  append(record: JournalRecord): void {
    this.#sequence += 1;
    const numbered = { ...record, sequence: this.#sequence };
    this.#records.push(numbered);
    if (this.#records.length > 2 * RECORDS_MAX) this.#records = this.#records.slice(-RECORDS_MAX);
    for (const listener of this.#listeners) listener(numbered);
  }

  /** The records after `sequence` that are still kept. */
  records(afterSequence = 0): readonly NumberedRecord[] {
    return this.#records.filter(({ sequence }) => sequence > afterSequence);
  }

  /** Returns what stops it. */
  onRecord(listener: (record: NumberedRecord) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

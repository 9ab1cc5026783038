import type { JournalRecord } from '../../sandbox/clb/journal.ts';

interface DrainTime {
  readonly requestedAt: number;
  readonly duringBulk: boolean;
  sentAt?: number;
  readBackAt?: number;
}

/** Follows drains from the request to weight 0 read back, and what CLB was doing meanwhile. All in wall milliseconds. */
export class DrainTimes {
  /** By Pod address. */
  readonly #drains = new Map<string, DrainTime>();
  /** Addresses of the bulk that are not registered yet. */
  readonly #bulk = new Set<string>();
  readonly #waiting = new Set<string>();
  #longestRegistrationMs = 0;

  bulk(address: string): void {
    this.#bulk.add(address);
  }

  requested(address: string, at: number): void {
    this.#drains.set(address, { requestedAt: at, duringBulk: this.#bulk.size > 0 });
    this.#waiting.add(address);
  }

  /** The agent is told that reads show weight 0. */
  readBack(address: string, at: number): void {
    const drain = this.#drains.get(address);
    if (drain) drain.readBackAt ??= at;
    this.#waiting.delete(address);
  }

  observe(record: JournalRecord): void {
    if (record.kind === 'change') {
      for (const change of record.changes) if (change.kind === 'target-registered') this.#bulk.delete(change.address);
    } else if (record.kind === 'call' && record.action === 'BatchModifyTargetWeight') {
      this.#weightsSent(record.parameters, record.at);
    } else if (record.kind === 'call' && record.action === 'BatchRegisterTargets' && this.#waiting.size > 0) {
      this.#longestRegistrationMs = Math.max(this.#longestRegistrationMs, record.finishedAt - record.at);
    }
  }

  /** The longest registration at whose end a drain waited. */
  get longestRegistrationMs(): number {
    return this.#longestRegistrationMs;
  }

  /** Of the drains that were asked for during the bulk registration: from the request to the call that sets weight 0. */
  get sentMs(): number[] {
    return this.#measured().map(({ sentAt = Number.POSITIVE_INFINITY, requestedAt }) => sentAt - requestedAt);
  }

  /** Of the same drains: from the request to weight 0 read back. */
  get readBackMs(): number[] {
    return this.#measured().map(({ readBackAt = Number.POSITIVE_INFINITY, requestedAt }) => readBackAt - requestedAt);
  }

  #measured(): DrainTime[] {
    return [...this.#drains.values()].filter(drain => drain.duringBulk);
  }

  #weightsSent(parameters: unknown, at: number): void {
    const { ModifyList } = parameters as { ModifyList: { Targets: { EniIp: string; Weight: number }[] }[] };
    for (const { EniIp, Weight } of ModifyList.flatMap(entry => entry.Targets)) {
      const drain = Weight === 0 ? this.#drains.get(EniIp) : undefined;
      if (drain) drain.sentAt ??= at;
    }
  }
}

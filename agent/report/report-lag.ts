/** Messages without an acknowledgement whose times are remembered; a coordinator acknowledges each. */
const UNACKNOWLEDGED_MAX = 1_024;

/** Remembers since when each unacknowledged snapshot or delta carries its oldest change. All times are the clock's. */
export class ReportLag {
  #oldestChangeAt: number | undefined;
  #sent: { readonly sequence: number; readonly changedAt: number }[] = [];

  /** A change waits to be sent. */
  changed(now: number): void {
    this.#oldestChangeAt ??= now;
  }

  /** Everything that waited is on its way. */
  sent(sequence: number): void {
    if (this.#oldestChangeAt === undefined) return;
    this.#sent.push({ sequence, changedAt: this.#oldestChangeAt });
    this.#oldestChangeAt = undefined;
    if (this.#sent.length > UNACKNOWLEDGED_MAX) this.#sent.shift();
  }

  /** @returns how old the oldest change of each message is that `sequence` acknowledges. */
  acknowledged(sequence: number, now: number): number[] {
    const isAcknowledged = (message: { readonly sequence: number }) => message.sequence <= sequence;
    const lags = this.#sent.filter(isAcknowledged).map(({ changedAt }) => now - changedAt);
    if (lags.length > 0) this.#sent = this.#sent.filter(message => !isAcknowledged(message));
    return lags;
  }
}

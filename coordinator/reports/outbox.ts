import type { CoordinatorChannel } from '../../common/report-transport.ts';
import type { DrainUpdate, Leadership, ReportResponse } from '../../proto/gen/clbdirect/v1/report.ts';
import { PODS_PER_NODE_MAX } from './agent-session.ts';

/** Most drain updates kept for a stream that does not take them: one for each Pod the node may have. */
const DRAIN_UPDATES_PENDING_MAX = PODS_PER_NODE_MAX;

/**
 * What the coordinator says on one stream. While the stream does not take messages only the latest of each kind is kept
 * (of drain updates: the latest of each Pod), so a stalled agent costs bounded memory and hears the newest state first.
 */
export class Outbox {
  readonly #channel: CoordinatorChannel;
  readonly #drainUpdates = new Map<string, DrainUpdate>();
  #leadership: Leadership | undefined;
  #resyncReason: string | undefined;
  #ackedSequence: number | undefined;
  #blocked = false;

  constructor(channel: CoordinatorChannel) {
    this.#channel = channel;
  }

  push(response: ReportResponse): void {
    if (this.#blocked) this.#keep(response);
    else if (!this.#channel.send(response)) void this.#waitForRoom();
  }

  async #waitForRoom(): Promise<void> {
    this.#blocked = true;
    await this.#channel.writable();
    this.#blocked = false;
    for (const response of this.#takePending()) this.push(response);
  }

  #keep({ message }: ReportResponse): void {
    switch (message?.$case) {
      case 'leadership':
        this.#leadership = message.value;
        return;
      case 'resyncRequest':
        this.#resyncReason = message.value.reason;
        return;
      case 'ack':
        this.#ackedSequence = message.value.sequence;
        return;
      case 'drainUpdate':
        this.#keepDrainUpdate(message.value);
        return;
      case 'probeRequest':
        // Who asked has a deadline, and a stalled stream is no answer anyway.
        return;
      case 'welcome':
      case undefined:
        throw new Error('a Welcome is the first message of a stream and cannot be kept');
    }
  }

  #keepDrainUpdate(update: DrainUpdate): void {
    this.#drainUpdates.delete(update.podUid);
    this.#drainUpdates.set(update.podUid, update);
    if (this.#drainUpdates.size <= DRAIN_UPDATES_PENDING_MAX) return;
    const [oldest] = this.#drainUpdates.keys();
    if (oldest !== undefined) this.#drainUpdates.delete(oldest);
  }

  #takePending(): ReportResponse[] {
    const pending: NonNullable<ReportResponse['message']>[] = [];
    if (this.#leadership) pending.push({ $case: 'leadership', value: this.#leadership });
    for (const update of this.#drainUpdates.values()) pending.push({ $case: 'drainUpdate', value: update });
    if (this.#resyncReason !== undefined)
      pending.push({ $case: 'resyncRequest', value: { reason: this.#resyncReason } });
    if (this.#ackedSequence !== undefined) pending.push({ $case: 'ack', value: { sequence: this.#ackedSequence } });
    this.#drainUpdates.clear();
    this.#leadership = this.#resyncReason = this.#ackedSequence = undefined;
    return pending.map(message => ({ message }));
  }
}

import { type Clock, sleep } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import type { Cloud } from '../cloud/types.ts';

export interface AccountQuotaOptions {
  readonly cloud: Pick<Cloud, 'describeQuota'>;
  readonly clock: Clock;
  readonly log: Logger;
  /** The limit of targets is another one than before. */
  readonly onChange: () => void;
}

/** clb-api section 3: what is documented; until CLB was asked, the larger of the two figures, since CLB is the judge. */
const TARGETS_PER_RULE = 200;
const READ_AGAIN_MS = 600_000;
const RETRY_MS = 10_000;

/** What the account may have, asked for now and then. */
export class AccountQuota {
  readonly #options: AccountQuotaOptions;
  #targetsPerRule = TARGETS_PER_RULE;

  constructor(options: AccountQuotaOptions) {
    this.#options = options;
  }

  /** Targets that a listener on layer 4, or a forwarding rule on layer 7, may have by the account's default. */
  get targetsPerRule(): number {
    return this.#targetsPerRule;
  }

  /** Asks until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      const isRead = await this.#read(signal).catch(error => {
        if (!signal.aborted) throw error;
        return false;
      });
      await sleep(clock, isRead ? READ_AGAIN_MS : RETRY_MS, signal).catch(() => undefined);
    }
  }

  async #read(signal: AbortSignal): Promise<boolean> {
    const { cloud, log, onChange } = this.#options;
    const quota = await cloud.describeQuota(signal);
    if (!quota.ok) {
      const { code, message } = quota.error;
      log.warn('the quota could not be read, will try again', { code, message });
      return false;
    }
    if (quota.value.targetsPerRule !== this.#targetsPerRule) {
      this.#targetsPerRule = quota.value.targetsPerRule;
      onChange();
    }
    return true;
  }
}

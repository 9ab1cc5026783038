import type { Account } from '../load-balancers/account.ts';
import type { Chronicle } from './chronicle.ts';
import type { ManifestChronicle } from './manifest-chronicle.ts';
import type { Strangers } from './strangers.ts';

/** What the cloud holds and what users ask for, at one moment. */
export interface Settlement {
  readonly account: Account;
  readonly strangers: Pick<Strangers, 'damage' | 'ownsLoadBalancer' | 'ownsListener' | 'ownsTarget'>;
  readonly chronicle: Pick<Chronicle, 'services' | 'pods'>;
  /** Where Ingresses and TkeServiceConfigs are drawn, too. */
  readonly manifests?: Pick<ManifestChronicle, 'ingresses' | 'secrets' | 'configs'>;
  /** Wall milliseconds. */
  readonly now: number;
  /** The ids of the load balancers that Services may share. */
  readonly shared: readonly string[];
}

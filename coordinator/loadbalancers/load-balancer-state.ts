import type { LoadBalancer } from '../cloud/types.ts';
import type { Problem } from './problem.ts';

/** Where the load balancer stands that a Service wants. */
export type LoadBalancerState =
  /** Nothing is known yet: it may exist and hold anything. */
  | { readonly kind: 'pending' }
  /** It does not exist, or is being made: nothing is bound there. */
  | { readonly kind: 'creating' }
  /** `since`: when this leader first saw it so; monotonic, in ms. */
  | { readonly kind: 'ready'; readonly loadBalancer: LoadBalancer; readonly since: number }
  /** `absent`: CLB said that it does not exist; else it may hold anything. */
  | { readonly kind: 'failed'; readonly problem: Problem; readonly absent: boolean }
  /** The Service leaves and wants none; all that there may be is among the previous ones. */
  | { readonly kind: 'released' };

/** A load balancer that may hold something of a Service, and is not, or no longer, the wanted one. */
export interface PreviousLoadBalancer {
  readonly id: string;
  /** Carries our tags for this Service: it is deleted when nothing is left on it. */
  readonly isOurs: boolean;
  /** Other Services have to do with it, too. */
  readonly isShared: boolean;
  readonly state: PreviousState;
}

export type PreviousState =
  /** It may exist and hold anything. */
  | { readonly kind: 'pending' }
  /** `refusal`: why CLB did not delete it when it was asked last; not to be asked again unless `mayBeDeleted`. */
  | {
      readonly kind: 'ready';
      readonly loadBalancer: LoadBalancer;
      readonly refusal: Problem | undefined;
      readonly mayBeDeleted: boolean;
    }
  /** Nothing of it is written to any more. */
  | { readonly kind: 'deleting' }
  /** CLB says that it does not exist. */
  | { readonly kind: 'gone' };

import type { Knowledge } from '../knowledge.ts';
import type { ServiceRecord } from '../kube/service-reflector.ts';
import type { Problem } from '../loadbalancers/problem.ts';
import { claimOf, type ServiceIntent } from '../loadbalancers/service-intent.ts';
import type { HeldServices } from './held-services.ts';

/** A Service that is ours to serve. */
export interface Claimed {
  readonly service: ServiceRecord;
  readonly intent: ServiceIntent;
}

/** What came of a changed Service. */
export interface ClaimChange {
  readonly before: Claimed | undefined;
  readonly after: Claimed | undefined;
  /** What is wrong with it, claimed or not. */
  readonly problems: readonly Problem[];
  /** The Service as it is now, undefined when it is gone. */
  readonly service: ServiceRecord | undefined;
}

export interface ClaimsOptions {
  readonly knowledge: Pick<Knowledge, 'services'>;
  readonly tkeController: () => boolean;
  readonly held: Pick<HeldServices, 'has'>;
}

/** The claimed Services of a term, kept up to date Service by Service. */
export class Claims {
  readonly #knowledge: Pick<Knowledge, 'services'>;
  readonly #tkeController: () => boolean;
  readonly #held: Pick<HeldServices, 'has'>;
  readonly #byKey = new Map<string, Claimed>();
  readonly #byUid = new Map<string, Claimed>();

  constructor(options: ClaimsOptions) {
    this.#knowledge = options.knowledge;
    this.#tkeController = options.tkeController;
    this.#held = options.held;
  }

  get(serviceUid: string): Claimed | undefined {
    return this.#byUid.get(serviceUid);
  }

  all(): Iterable<Claimed> {
    return this.#byUid.values();
  }

  /** Looks at the Service `namespace/name` anew. */
  refresh(key: string): ClaimChange {
    const before = this.#byKey.get(key);
    const service = this.#knowledge.services.get(key);
    const claim = service && claimOf(service, { tkeController: this.#tkeController() });
    const after = service && claim?.kind === 'claimed' ? this.#claimed(service, claim.intent) : undefined;
    if (before) this.#byUid.delete(before.service.uid);
    if (after) {
      this.#byKey.set(key, after);
      this.#byUid.set(after.service.uid, after);
    } else this.#byKey.delete(key);
    return { before, after, problems: problemsOf(claim), service };
  }

  #claimed(service: ServiceRecord, intent: ServiceIntent): Claimed {
    return { service, intent: { ...intent, held: intent.finalized && this.#held.has(service.uid) } };
  }
}

function problemsOf(claim: ReturnType<typeof claimOf> | undefined): readonly Problem[] {
  switch (claim?.kind) {
    case 'claimed':
      return claim.intent.problems;
    case 'refused':
      return claim.problems;
    case 'unclaimed':
    case undefined:
      return [];
  }
}

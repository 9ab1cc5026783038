import type { Clock } from '../../common/clock.ts';
import type { Knowledge, OptionalKind } from '../knowledge.ts';
import { type Problem, problem } from '../loadbalancers/problem.ts';
import type { LeaderPorts } from './leader-ports.ts';

export interface MissingRightsOptions {
  readonly knowledge: Pick<Knowledge, 'forbiddenKinds'>;
  readonly ports: Pick<LeaderPorts, 'reportReplica'>;
  readonly clock: Clock;
}

/** Told again after this long, so that its Event does not age out. */
const TELL_AGAIN_MS = 60_000;

/** Tells of the kinds that this replica may not read: their objects cannot be told themselves. */
export class MissingRights {
  readonly #options: MissingRightsOptions;
  readonly #toldAt = new Map<OptionalKind, number>();

  constructor(options: MissingRightsOptions) {
    this.#options = options;
  }

  /** To be called every now and then. */
  tell(): void {
    const { knowledge, ports, clock } = this.#options;
    const kinds = new Set(knowledge.forbiddenKinds);
    for (const kind of this.#toldAt.keys()) if (!kinds.has(kind)) this.#toldAt.delete(kind);
    for (const kind of kinds) {
      if (clock.now() - (this.#toldAt.get(kind) ?? Number.NEGATIVE_INFINITY) < TELL_AGAIN_MS) continue;
      this.#toldAt.set(kind, clock.now());
      ports.reportReplica(missingRight(kind));
    }
  }
}

/** What does not work without the right to read the kind, and how to give it. */
export function missingRight(kind: OptionalKind): Problem {
  const { resource, meanwhile } = CONSEQUENCES[kind];
  return problem(
    'CD3006',
    `The coordinator may not read ${resource}. Allow it to get, list and watch them in its ClusterRole. ${meanwhile}`,
  );
}

const CONSEQUENCES: Readonly<Record<OptionalKind, { readonly resource: string; readonly meanwhile: string }>> = {
  Ingress: {
    resource: 'ingresses.networking.k8s.io',
    meanwhile:
      'Until then Services are served as ever, and of Ingresses nothing is made, changed or removed: a Pod that no Service ' +
      'selects may belong to one, so that its gate stays as it is and its preStop hook waits for its budget.',
  },
  TkeServiceConfig: {
    resource: 'tkeserviceconfigs.cloud.tencent.com',
    meanwhile: 'Until then none is applied: listeners and rules keep the settings that they have.',
  },
};

import type { Clock } from '../../../common/clock.ts';
import { type Random, randomUuid } from '../../../common/random.ts';
import { NODE, POD, SERVICE_ACCOUNT } from './kinds.ts';
import type { Store } from './store.ts';
import type { KubeUser } from './user.ts';

/** The audience of tokens that ask for none; only these open the API itself. */
export const API_AUDIENCE = 'https://kubernetes.default.svc.cluster.local';
/** Live tokens at most; the oldest go first. */
const TOKENS_MAX = 20_000;
const DEFAULT_LIFE_SECONDS = 3600;
/** Tokens of a Pod are good for so long after its deletionTimestamp, as the real server's leeway is. */
const DELETION_LEEWAY_MS = 60_000;

export interface TokenRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Default: the API's own audience. */
  readonly audiences?: readonly string[];
  /** Binds the token to this Pod, and to the node the Pod is on. */
  readonly pod?: { readonly name: string; readonly uid: string };
  /** Default 3600. */
  readonly expirationSeconds?: number;
}

export interface IssuedToken {
  readonly token: string;
  /** Milliseconds since the Unix epoch. */
  readonly expiresAtMs: number;
}

interface ServiceAccountGrant extends TokenRequest {
  readonly id: string;
  readonly serviceAccountUid: string;
  readonly audiences: readonly string[];
  readonly node: { readonly name: string; readonly uid: string } | undefined;
  readonly expiresAtMs: number;
}

type Grant =
  | { readonly of: 'user'; readonly user: KubeUser }
  | { readonly of: 'account'; readonly grant: ServiceAccountGrant };

export type Verdict =
  | { readonly authenticated: true; readonly user: KubeUser; readonly audiences: readonly string[] }
  | { readonly authenticated: false; readonly why: string };

export interface TokenTableOptions {
  readonly store: Store;
  readonly clock: Pick<Clock, 'wallNow'>;
  /** Where others can reach the server it must not be guessable. */
  readonly random: Random;
}

/** Opaque bearer tokens: what a signed JWT claims is kept here instead. */
export class TokenTable {
  readonly #options: TokenTableOptions;
  readonly #grants = new Map<string, Grant>();

  constructor(options: TokenTableOptions) {
    this.#options = options;
  }

  /** A token that stands for `user` and never expires, such as an administrator's. */
  issueForUser(user: KubeUser): string {
    return this.#keep({ of: 'user', user });
  }

  /** Undefined when the ServiceAccount does not exist. */
  issue(request: TokenRequest): IssuedToken | undefined {
    const { store, clock, random } = this.#options;
    const account = store.get(SERVICE_ACCOUNT, request.namespace, request.serviceAccount);
    if (!account) return undefined;
    const expiresAtMs = clock.wallNow() + (request.expirationSeconds ?? DEFAULT_LIFE_SECONDS) * 1000;
    const grant: ServiceAccountGrant = {
      ...request,
      id: randomUuid(random),
      serviceAccountUid: account.metadata.uid ?? '',
      audiences: request.audiences?.length ? request.audiences : [API_AUDIENCE],
      node: this.#nodeOf(request),
      expiresAtMs,
    };
    return { token: this.#keep({ of: 'account', grant }), expiresAtMs };
  }

  #nodeOf({ namespace, pod }: TokenRequest): { name: string; uid: string } | undefined {
    const { store } = this.#options;
    const spec = pod && (store.get(POD, namespace, pod.name)?.spec as { nodeName?: string } | undefined);
    const node = spec?.nodeName && store.get(NODE, undefined, spec.nodeName);
    return node ? { name: node.metadata.name, uid: node.metadata.uid ?? '' } : undefined;
  }

  #keep(grant: Grant): string {
    const token = `sandbox.${randomUuid(this.#options.random)}.${randomUuid(this.#options.random)}`;
    if (this.#grants.size >= TOKENS_MAX) this.#forgetOne();
    this.#grants.set(token, grant);
    return token;
  }

  #forgetOne(): void {
    const oldest = this.#grants.entries().find(([, grant]) => grant.of === 'account');
    if (oldest) this.#grants.delete(oldest[0]);
  }

  /** Whether the token is good for one of `audiences` now, and whom it stands for. */
  review(token: string, audiences: readonly string[]): Verdict {
    const kept = this.#grants.get(token);
    if (!kept) return { authenticated: false, why: 'invalid bearer token' };
    if (kept.of === 'user') return { authenticated: true, user: kept.user, audiences };
    const { grant } = kept;
    const common = audiences.filter(audience => grant.audiences.includes(audience));
    if (common.length === 0) {
      const [own, asked] = [JSON.stringify(grant.audiences), JSON.stringify(audiences)];
      return {
        authenticated: false,
        why: `[invalid bearer token, token audiences ${own} is invalid for the target audiences ${asked}]`,
      };
    }
    const why = this.#invalidity(grant);
    if (why) return { authenticated: false, why: `[invalid bearer token, ${why}]` };
    return { authenticated: true, user: userOf(grant), audiences: common };
  }

  #invalidity(grant: ServiceAccountGrant): string | undefined {
    const { store, clock } = this.#options;
    if (clock.wallNow() >= grant.expiresAtMs) return 'service account token has expired';
    const account = store.get(SERVICE_ACCOUNT, grant.namespace, grant.serviceAccount);
    const invalidated = 'service account token has been invalidated';
    if (account?.metadata.uid !== grant.serviceAccountUid) return invalidated;
    if (!grant.pod) return undefined;
    const pod = store.get(POD, grant.namespace, grant.pod.name);
    if (pod?.metadata.uid !== grant.pod.uid) return invalidated;
    const deletedAtMs = Date.parse(pod.metadata.deletionTimestamp ?? '');
    return deletedAtMs + DELETION_LEEWAY_MS < clock.wallNow() ? invalidated : undefined;
  }
}

function userOf(grant: ServiceAccountGrant): KubeUser {
  const claim = (name: string, value: string) => [`authentication.kubernetes.io/${name}`, [value]];
  return {
    username: `system:serviceaccount:${grant.namespace}:${grant.serviceAccount}`,
    uid: grant.serviceAccountUid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${grant.namespace}`, 'system:authenticated'],
    extra: Object.fromEntries([
      claim('credential-id', `JTI=${grant.id}`),
      ...(grant.node ? [claim('node-name', grant.node.name), claim('node-uid', grant.node.uid)] : []),
      ...(grant.pod ? [claim('pod-name', grant.pod.name), claim('pod-uid', grant.pod.uid)] : []),
    ]),
  };
}

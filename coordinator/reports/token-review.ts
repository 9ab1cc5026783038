import { createHash } from 'node:crypto';
import type { Clock } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import { KubeResponseError, type KubeTransport } from '../../common/kube/transport.ts';
import { TOKEN_AUDIENCE } from '../../common/names.ts';
import { type AgentIdentity, ReportChannelError } from '../../common/report-transport.ts';

const REVIEW_TIMEOUT_MS = 5_000;
/** A token that was good is believed this long without asking again; the API server itself caches about as long. */
const ACCEPTED_FOR_MS = 10_000;
/** Accepted tokens remembered: twice the agents of the largest cluster planned for. */
const ACCEPTED_MAX = 10_000;
/** When thousands of agents come at once the rest is told to come again, which they do with backoff and jitter. */
const REVIEWS_IN_FLIGHT_MAX = 512;

const REVIEW_PATH = '/apis/authentication.k8s.io/v1/tokenreviews';
/** Claims of a token that is bound to a Pod, as the API server reports them (Kubernetes 1.30 and later). */
const NODE_NAME_CLAIM = 'authentication.kubernetes.io/node-name';
const POD_NAME_CLAIM = 'authentication.kubernetes.io/pod-name';
const POD_UID_CLAIM = 'authentication.kubernetes.io/pod-uid';

export interface TokenReviewerOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  /** Whose tokens are taken. Any Pod may ask for a token with our audience, so the audience alone proves nothing. */
  readonly agentServiceAccount: { readonly namespace: string; readonly name: string };
}

/** The part of a TokenReview's status that is read. */
interface ReviewStatus {
  authenticated?: boolean;
  audiences?: string[];
  error?: string;
  user?: { username?: string; extra?: Record<string, string[]> };
}

/** Turns an agent's ServiceAccount token into a proven identity by asking the API server. */
export class TokenReviewer {
  readonly #options: TokenReviewerOptions;
  /** By the token's digest, oldest first. */
  readonly #accepted = new Map<string, { readonly identity: AgentIdentity; readonly untilMs: number }>();
  #inFlightCount = 0;

  constructor(options: TokenReviewerOptions) {
    this.#options = options;
  }

  /**
   * @throws ReportChannelError `unauthenticated` when the token proves no agent on a node, `unavailable` when that could
   * not be found out.
   */
  async identify(token: string, signal: AbortSignal): Promise<AgentIdentity> {
    const digest = createHash('sha256').update(token).digest('base64');
    const remembered = this.#accepted.get(digest);
    if (remembered && remembered.untilMs > this.#options.clock.now()) return remembered.identity;
    this.#accepted.delete(digest);
    const identity = agentIdentity(await this.#review(token, signal), this.#options.agentServiceAccount);
    this.#remember(digest, identity);
    return identity;
  }

  async #review(token: string, signal: AbortSignal): Promise<ReviewStatus> {
    if (this.#inFlightCount >= REVIEWS_IN_FLIGHT_MAX) {
      throw unavailable(`${REVIEWS_IN_FLIGHT_MAX} tokens are being checked already; come again`);
    }
    this.#inFlightCount += 1;
    try {
      using limit = deadline(this.#options.clock, 'TokenReview', REVIEW_TIMEOUT_MS, signal);
      return await this.#ask(token, limit.signal);
    } finally {
      this.#inFlightCount -= 1;
    }
  }

  async #ask(token: string, signal: AbortSignal): Promise<ReviewStatus> {
    const spec = { token, audiences: [TOKEN_AUDIENCE] };
    const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec };
    const request = { method: 'POST', path: REVIEW_PATH, body } as const;
    const response = await this.#options.transport.request(request, signal).catch((error: unknown) => {
      throw unavailable(`no answer to a TokenReview: ${error instanceof Error ? error.message : error}`, error);
    });
    if (response.status === 403) {
      throw unavailable('the coordinator may not create tokenreviews; bind it to ClusterRole system:auth-delegator');
    }
    if (response.status > 299) throw unavailable(new KubeResponseError(request, response).message);
    return (response.body as { status?: ReviewStatus } | undefined)?.status ?? {};
  }

  #remember(digest: string, identity: AgentIdentity): void {
    this.#accepted.set(digest, { identity, untilMs: this.#options.clock.now() + ACCEPTED_FOR_MS });
    if (this.#accepted.size <= ACCEPTED_MAX) return;
    const [oldest] = this.#accepted.keys();
    if (oldest !== undefined) this.#accepted.delete(oldest);
  }
}

function agentIdentity(status: ReviewStatus, account: TokenReviewerOptions['agentServiceAccount']): AgentIdentity {
  if (status.authenticated !== true)
    throw unauthenticated(`the token is not valid: ${status.error ?? 'no reason given'}`);
  if (!status.audiences?.includes(TOKEN_AUDIENCE))
    throw unauthenticated(`the token is not for audience ${TOKEN_AUDIENCE}`);
  const user = status.user?.username ?? '';
  const expected = `system:serviceaccount:${account.namespace}:${account.name}`;
  if (user !== expected) throw unauthenticated(`the token is ${user}'s, agents are ${expected}`);
  return {
    nodeName: claim(status, NODE_NAME_CLAIM),
    podName: claim(status, POD_NAME_CLAIM),
    podUid: claim(status, POD_UID_CLAIM),
  };
}

function claim(status: ReviewStatus, name: string): string {
  const value = status.user?.extra?.[name]?.[0];
  if (value) return value;
  const remedy = 'use a projected serviceAccountToken volume of the agent Pod (Kubernetes 1.30 or later)';
  throw unauthenticated(`the token is not bound to a Pod on a node (no ${name}); ${remedy}`);
}

function unauthenticated(message: string): ReportChannelError {
  return new ReportChannelError('unauthenticated', message);
}

function unavailable(message: string, cause?: unknown): ReportChannelError {
  return new ReportChannelError('unavailable', message, { cause });
}

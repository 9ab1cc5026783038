import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import type { Random } from '../../common/random.ts';
import { WorkQueue } from '../../common/work-queue.ts';
import { runWorkers, type WorkResult } from '../../common/workers.ts';
import type { Cloud, CloudResult, LoadBalancerRequest } from '../cloud/types.ts';
import type { WriteFence } from '../lanes/write-fence.ts';
import type { CoordinatorObserver } from '../observer.ts';
import { cloudProblem } from './cloud-problem.ts';
import { creationTags } from './ownership-tags.ts';
import type { Problem } from './problem.ts';
import { type CreatedChoice, type ServiceIntent, serviceName } from './service-intent.ts';

/** What is known about making a load balancer for a Service. */
export interface Creation {
  /** How many were made before and are gone: part of the token, so that none of those is meant. */
  readonly generation: number;
  /** What CLB answered last; it may not show in reads yet. */
  readonly answered: { readonly id: string; readonly at: number } | undefined;
  /**
   * One may have been made until then by a call whose answer nobody has: ours, or that of the leader before. Undefined:
   * there was no such call.
   */
  readonly unansweredAt: number | undefined;
  /** Why the last try failed. */
  readonly problem: Problem | undefined;
}

export interface CreationsOptions {
  readonly cloud: Pick<Cloud, 'createLoadBalancer'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly fence: WriteFence;
  readonly cluster: string;
  readonly vpcId: string;
  readonly log: Logger;
  readonly observer?: Pick<CoordinatorObserver, 'queue'>;
  /** Something else is known about the Service's creation. */
  readonly onChange: (serviceUid: string) => void;
}

interface Wish {
  readonly service: ServiceIntent['service'];
  readonly choice: CreatedChoice;
}

const NO_CREATION: Creation = { generation: 0, answered: undefined, unansweredAt: undefined, problem: undefined };
const BACKOFF = { initialMs: 1_000, maximumMs: 30_000 };
const FENCE_RETRY_MS = 500;
const WRITE_TIMEOUT_MS = 6_000;
const CONCURRENCY = 8;
const SERVICES_MAX = 20_000;

/**
 * Makes the load balancers that Services want and do not have. A call whose answer was lost is repeated with the same
 * token, by this leader or the next one, so that it never makes a second one.
 */
export class Creations {
  readonly #options: CreationsOptions;
  readonly #queue: WorkQueue;
  readonly #creations = new Map<string, Creation>();
  readonly #wishes = new Map<string, Wish>();

  constructor(options: CreationsOptions) {
    this.#options = options;
    const { clock, random, observer } = options;
    const limits = { keysMax: SERVICES_MAX, backoff: BACKOFF };
    this.#queue = new WorkQueue({
      clock,
      random,
      ...limits,
      ...(observer && { observer: observer.queue('creations') }),
    });
  }

  of(serviceUid: string): Creation {
    return this.#creations.get(serviceUid) ?? NO_CREATION;
  }

  /** The leader before may have made one for the Service a moment ago. */
  mayHaveMade(serviceUid: string): void {
    this.#learn(serviceUid, { unansweredAt: this.#options.clock.now() });
  }

  /** What was made for the Service is found. */
  found(serviceUid: string): void {
    const { unansweredAt, problem } = this.of(serviceUid);
    if (unansweredAt === undefined && !problem) return;
    this.#learn(serviceUid, { unansweredAt: undefined, problem: undefined });
  }

  /** What was made for the Service is gone, and does not come back: the next one is another. */
  gone(serviceUid: string, loadBalancerId: string): void {
    const { generation, answered } = this.of(serviceUid);
    const stays = answered?.id === loadBalancerId ? undefined : answered;
    this.#learn(serviceUid, { generation: generation + 1, answered: stays });
  }

  /** One is to be made. Idempotent; a choice that has changed is tried at once. */
  want({ service }: ServiceIntent, choice: CreatedChoice): void {
    const known = this.#wishes.get(service.uid);
    if (known && isDeepStrictEqual(known.choice, choice)) return;
    if (this.#queue.add(service.uid)) this.#wishes.set(service.uid, { service, choice });
  }

  /** For whom one is to be made, or is being made. */
  get wanted(): readonly ServiceIntent['service'][] {
    return [...this.#wishes.values()].map(({ service }) => service);
  }

  /** None is to be made any more. */
  drop(serviceUid: string): void {
    this.#wishes.delete(serviceUid);
  }

  forget(serviceUid: string): void {
    this.#wishes.delete(serviceUid);
    this.#creations.delete(serviceUid);
  }

  /** Makes them until `signal` aborts, and resolves when the calls in flight have ended. */
  async run(signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    const onError = (serviceUid: string, error: unknown) =>
      log.warn('a load balancer was not made, will try again', { serviceUid, error });
    const work = (serviceUid: string, limit: AbortSignal) => this.#create(serviceUid, limit);
    await runWorkers({ queue: this.#queue, concurrency: CONCURRENCY, work, onError }, signal);
    this.#queue.clear();
  }

  async #create(serviceUid: string, signal: AbortSignal): Promise<WorkResult> {
    const wish = this.#wishes.get(serviceUid);
    if (!wish) return 'done';
    const { clock, cloud, fence, log } = this.#options;
    if (!fence.mayWrite(WRITE_TIMEOUT_MS)) return { retryAfterMs: FENCE_RETRY_MS };
    const { unansweredAt } = this.of(serviceUid);
    this.#learn(serviceUid, { unansweredAt: clock.now() });
    log.info('making a load balancer', { service: serviceName(wish.service) });
    const result = await cloud.createLoadBalancer(this.#request(wish), signal);
    if (result.ok && this.#wishes.get(serviceUid) === wish) this.#wishes.delete(serviceUid);
    this.#ended(wish, result, unansweredAt);
    if (!result.ok) throw new Error(result.error.message);
    return 'done';
  }

  #ended({ service }: Wish, result: CloudResult<string>, unansweredAt: number | undefined): void {
    const now = this.#options.clock.now();
    if (result.ok) {
      const answered = { id: result.value, at: now };
      this.#learn(service.uid, { answered, unansweredAt: undefined, problem: undefined });
    } else {
      const { error } = result;
      const lastUnanswered = error.outcomeUnknown ? now : unansweredAt;
      this.#learn(service.uid, { unansweredAt: lastUnanswered, problem: cloudProblem(service, error) });
    }
    this.#options.onChange(service.uid);
  }

  #request({ service, choice }: Wish): LoadBalancerRequest {
    const { cluster, vpcId } = this.#options;
    const { uid } = service;
    const { subnetId, settings } = choice;
    return {
      name: `clb-direct-${cluster}-${uid.slice(0, 8)}`,
      vpcId,
      ...(subnetId !== undefined && { subnetId }),
      ...(settings && { settings }),
      tags: creationTags(cluster, uid, choice),
      clientToken: clientToken(cluster, uid, {
        particulars: particularsOf(choice),
        generation: this.of(uid).generation,
      }),
    };
  }

  #learn(serviceUid: string, news: Partial<Creation>): void {
    this.#creations.set(serviceUid, { ...this.of(serviceUid), ...news });
  }
}

/** What tells two requests for the same Service apart; undefined when nothing was chosen. */
function particularsOf({ subnetId, settings }: CreatedChoice): string | undefined {
  return settings ? JSON.stringify([subnetId, settings]) : subnetId;
}

/** The same for the same load balancer, whichever leader asks for it; at most 64 characters. */
function clientToken(
  cluster: string,
  serviceUid: string,
  { particulars, generation }: { particulars: string | undefined; generation: number },
): string {
  const parts = ['cd1', cluster, serviceUid];
  // CLB refuses a token that it has seen with another request.
  if (particulars !== undefined) parts.push(createHash('sha256').update(particulars).digest('hex').slice(0, 6));
  if (generation > 0) parts.push(String(generation));
  return parts.join('-');
}

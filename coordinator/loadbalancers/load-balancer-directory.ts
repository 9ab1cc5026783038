import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import { Wakeup } from '../../common/wakeup.ts';
import type { Cloud, CloudError, LoadBalancer } from '../cloud/types.ts';
import type { WriteFence } from '../lanes/write-fence.ts';
import { type Problem, problem } from './problem.ts';
import type { ServiceIntent } from './service-intent.ts';

/** Where a Service's load balancer stands. */
export type LoadBalancerState =
  /** Nothing is known yet: it may exist and hold anything. */
  | { readonly kind: 'pending' }
  /** It does not exist, or is being made: nothing is bound there. */
  | { readonly kind: 'creating' }
  | { readonly kind: 'ready'; readonly loadBalancer: LoadBalancer }
  /** `absent`: CLB said that it does not exist; else it may hold anything. */
  | { readonly kind: 'failed'; readonly problem: Problem; readonly absent: boolean }
  /** What we had made is gone; nothing is left to wait for. */
  | { readonly kind: 'released' };

export interface LoadBalancerDirectoryOptions {
  readonly cloud: Cloud;
  readonly clock: Clock;
  readonly fence: WriteFence;
  readonly cluster: string;
  readonly vpcId: string;
  readonly log: Logger;
  readonly onChange: () => void;
}

interface Entry {
  readonly intent: ServiceIntent;
  readonly goal: 'ready' | 'released';
  /** Our finalizer is on the Service, so that what is made is never forgotten. */
  readonly mayCreate: boolean;
  readonly state: LoadBalancerState;
  readonly failures: number;
  readonly dueAt: number;
}

const RETRY_BASE_MS = 1_000;
const RETRY_MAX_MS = 30_000;
/** Load balancers that were made are looked at again this often: a new VIP, or somebody deleted it. */
const RECHECK_MS = 60_000;
/** The VIP of a load balancer that is still being made is asked for this often. */
const CREATING_POLL_MS = 1_000;
const CONCURRENT_MAX = 8;
const WRITE_TIMEOUT_MS = 6_000;
const SERVICE_TAG = 'clb-direct-service';
const CLUSTER_TAG = 'clb-direct-cluster';

/** Finds, makes and removes the load balancers of claimed Services. Only a leader runs one. */
export class LoadBalancerDirectory {
  readonly #options: LoadBalancerDirectoryOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #busy = new Set<string>();
  readonly #wakeup: Wakeup;

  constructor(options: LoadBalancerDirectoryOptions) {
    this.#options = options;
    this.#wakeup = new Wakeup(options.clock);
  }

  stateOf(serviceUid: string): LoadBalancerState {
    return this.#entries.get(serviceUid)?.state ?? { kind: 'pending' };
  }

  /** The Service shall have its load balancer; one that is leaving only has it looked up. Idempotent. */
  ensure(intent: ServiceIntent, options: { mayCreate: boolean }): void {
    const known = this.#entries.get(intent.service.uid);
    if (known?.goal === 'released' && intent.leaving) return;
    this.#aim(intent, 'ready', options.mayCreate);
  }

  /** What was made for the Service goes; its listeners must be gone already. An existing one is only let go. */
  release(intent: ServiceIntent): void {
    this.#aim(intent, 'released', false);
  }

  /** Forgets Services that nobody speaks of any more; nothing of theirs is touched. */
  keepOnly(serviceUids: ReadonlySet<string>): void {
    for (const uid of this.#entries.keys()) if (!serviceUids.has(uid)) this.#entries.delete(uid);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const now = this.#options.clock.now();
      for (const [uid, entry] of this.#entries) {
        if (entry.dueAt > now || this.#busy.has(uid) || this.#busy.size >= CONCURRENT_MAX) continue;
        this.#busy.add(uid);
        void this.#advance(uid, entry, signal).catch(error => {
          // Cut short by the stop; the next leader looks again.
          if (!signal.aborted) throw error;
        });
      }
      const next = Math.min(
        ...[...this.#entries].filter(([uid]) => !this.#busy.has(uid)).map(([, entry]) => entry.dueAt),
      );
      await this.#wakeup.wait(signal, Number.isFinite(next) ? Math.max(1, next - now) : undefined);
    }
  }

  #aim(intent: ServiceIntent, goal: Entry['goal'], mayCreate: boolean): void {
    const known = this.#entries.get(intent.service.uid);
    const sameChoice = known && JSON.stringify(known.intent.loadBalancer) === JSON.stringify(intent.loadBalancer);
    if (known && known.goal === goal && known.mayCreate === mayCreate && sameChoice) {
      this.#entries.set(intent.service.uid, { ...known, intent });
      return;
    }
    const state: LoadBalancerState = sameChoice && goal === 'ready' ? known.state : { kind: 'pending' };
    const dueAt = this.#options.clock.now();
    this.#entries.set(intent.service.uid, { intent, goal, mayCreate, state, failures: 0, dueAt });
    this.#wakeup.wake();
  }

  async #advance(uid: string, entry: Entry, signal: AbortSignal): Promise<void> {
    const outcome = entry.goal === 'ready' ? await this.#makeReady(entry, signal) : await this.#remove(entry, signal);
    this.#busy.delete(uid);
    const current = this.#entries.get(uid);
    if (!current || current.goal !== entry.goal || current.mayCreate !== entry.mayCreate || signal.aborted) {
      this.#wakeup.wake();
      return;
    }
    const failed = outcome.kind === 'failed';
    const failures = failed ? entry.failures + 1 : 0;
    this.#entries.set(uid, { ...current, state: outcome, failures, dueAt: this.#dueAt(outcome, failures) });
    this.#wakeup.wake();
    if (JSON.stringify(outcome) !== JSON.stringify(entry.state)) this.#options.onChange();
  }

  #dueAt(outcome: LoadBalancerState, failures: number): number {
    const now = this.#options.clock.now();
    switch (outcome.kind) {
      case 'pending':
      case 'creating':
        return now + CREATING_POLL_MS;
      case 'ready':
        return now + RECHECK_MS;
      case 'failed':
        return now + Math.min(RETRY_BASE_MS * 2 ** Math.min(failures - 1, 10), RETRY_MAX_MS);
      case 'released':
        return Number.POSITIVE_INFINITY;
    }
  }

  async #makeReady(entry: Entry, signal: AbortSignal): Promise<LoadBalancerState> {
    const found = await this.#find(entry.intent, signal);
    if (!found.ok && !found.error.notFound) return this.#lookupFailed(entry, found.error);
    const [loadBalancer] = found.ok ? found.value : [];
    // One that held targets before may still hold them, whatever state CLB gives it now.
    if (loadBalancer?.running || (loadBalancer && entry.state.kind === 'ready')) return { kind: 'ready', loadBalancer };
    if (loadBalancer) return { kind: 'creating' };
    if (entry.intent.leaving) return { kind: 'released' };
    if (entry.intent.loadBalancer.kind === 'existing') return notFound(entry.intent);
    if (!entry.mayCreate) return { kind: 'creating' };
    if (!this.#options.fence.mayWrite(WRITE_TIMEOUT_MS)) return { kind: 'pending' };
    const created = await this.#create(entry.intent, signal);
    return created.ok ? { kind: 'creating' } : failed(entry.intent, created.error);
  }

  /** A load balancer that was there does not go because one read failed (law L1). */
  #lookupFailed(entry: Entry, error: CloudError): LoadBalancerState {
    if (entry.state.kind !== 'ready') return failed(entry.intent, error);
    this.#options.log.warn('a look at the load balancer failed', { code: error.code, message: error.message });
    return entry.state;
  }

  async #remove(entry: Entry, signal: AbortSignal): Promise<LoadBalancerState> {
    if (entry.intent.loadBalancer.kind === 'existing') return { kind: 'released' };
    const found = await this.#find(entry.intent, signal);
    if (!found.ok && !found.error.notFound) return failed(entry.intent, found.error);
    const [loadBalancer] = found.ok ? found.value : [];
    if (!loadBalancer) return { kind: 'released' };
    if (!this.#options.fence.mayWrite(WRITE_TIMEOUT_MS)) return { kind: 'pending' };
    const deleted = await this.#options.cloud.deleteLoadBalancer(loadBalancer.id, signal);
    return deleted.ok || deleted.error.notFound ? { kind: 'pending' } : failed(entry.intent, deleted.error);
  }

  #find(intent: ServiceIntent, signal: AbortSignal) {
    const { cloud, cluster } = this.#options;
    const choice = intent.loadBalancer;
    if (choice.kind === 'existing') return cloud.describeLoadBalancers({ ids: [choice.id] }, signal);
    const tags = { [CLUSTER_TAG]: cluster, [SERVICE_TAG]: intent.service.uid };
    return cloud.describeLoadBalancers({ tags }, signal);
  }

  #create(intent: ServiceIntent, signal: AbortSignal) {
    const { cloud, cluster, vpcId, log } = this.#options;
    const { uid, namespace, name } = intent.service;
    log.info('making a load balancer', { service: `${namespace}/${name}` });
    const subnetId = intent.loadBalancer.kind === 'created' ? intent.loadBalancer.subnetId : undefined;
    return cloud.createLoadBalancer(
      {
        name: `clb-direct-${cluster}-${uid.slice(0, 8)}`,
        vpcId,
        ...(subnetId !== undefined && { subnetId }),
        tags: { [CLUSTER_TAG]: cluster, [SERVICE_TAG]: uid },
        clientToken: `cd1-${cluster}-${uid}`,
      },
      signal,
    );
  }
}

function failed(intent: ServiceIntent, error: CloudError): LoadBalancerState {
  const { namespace, name } = intent.service;
  const message = `Service ${namespace}/${name}: ${error.message}. ${error.hint}`;
  return { kind: 'failed', absent: false, problem: { code: error.code, reason: 'LoadBalancerFailed', message } };
}

function notFound(intent: ServiceIntent): LoadBalancerState {
  const { namespace, name } = intent.service;
  const id = intent.loadBalancer.kind === 'existing' ? intent.loadBalancer.id : '';
  const cause = problem(
    'CD1004',
    `Service ${namespace}/${name}: load balancer ${id} does not exist in this region and account. ` +
      'Correct the annotation service.kubernetes.io/tke-existed-lbid; it is looked for again every 30 s.',
  );
  return { kind: 'failed', absent: true, problem: cause };
}

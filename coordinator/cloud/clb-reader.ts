import assert from 'node:assert/strict';
import type { Caller } from './caller.ts';
import { classify } from './classify.ts';
import { MalformedReplyError } from './failures.ts';
import { inOrder } from './in-order.ts';
import * as replies from './replies.ts';
import * as requests from './requests.ts';
import type {
  Binding,
  CallPriority,
  CloudResult,
  Listener,
  LoadBalancer,
  LoadBalancerQuery,
  Quota,
  TargetHealth,
} from './types.ts';

/** Also of the requests it takes to look again because the list changed meanwhile: 5,000 load balancers. */
const LOAD_BALANCER_PAGES_MAX = 50;
/** Pages of one reading that are under way at a time: more would crowd out the readings of other load balancers. */
const PAGES_AT_ONCE_MAX = 4;

interface Reading {
  readonly signal: AbortSignal;
  readonly priority?: CallPriority | undefined;
}

/** What CLB says, in pages of the size that it takes. */
export class ClbReader {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  listeners(loadBalancerId: string, signal: AbortSignal, priority?: CallPriority): Promise<CloudResult<Listener[]>> {
    const parameters = { LoadBalancerId: loadBalancerId };
    return this.#caller.read({ action: 'DescribeListeners', parameters, parse: replies.listeners, priority }, signal);
  }

  quota(signal: AbortSignal): Promise<CloudResult<Quota>> {
    return this.#caller.read({ action: 'DescribeQuota', parameters: {}, parse: replies.quota }, signal);
  }

  async targets(
    loadBalancerId: string,
    listenerIds: readonly string[],
    { signal, priority }: Reading,
  ): Promise<CloudResult<Binding[]>> {
    const pages: object[] = requests.chunks(listenerIds, requests.DESCRIBE_IDS_MAX).map(ids => ({ ListenerIds: ids }));
    const readPage = (page: object) => {
      const parameters = { LoadBalancerId: loadBalancerId, ...page };
      const question = { action: 'DescribeTargets', parameters, parse: replies.bindings, priority };
      return this.#caller.read(question, signal);
    };
    return concatenate(pages.length > 0 ? pages : [{}], readPage);
  }

  /** One unknown id may fail the whole request; so the list is halved until the unknown one stands alone. */
  async targetHealth(
    ids: readonly string[],
    signal: AbortSignal,
    priority?: CallPriority,
  ): Promise<CloudResult<TargetHealth[]>> {
    assert(ids.length > 0 && ids.length <= requests.DESCRIBE_HEALTH_IDS_MAX, `health of ${ids.length} load balancers`);
    const parameters = { LoadBalancerIds: ids };
    const question = { action: 'DescribeTargetHealth', parameters, parse: replies.targetHealth, priority };
    const result = await this.#caller.read(question, signal);
    return withoutUnknown(result, ids, half => this.targetHealth(half, signal, priority));
  }

  async loadBalancers(query: LoadBalancerQuery, signal: AbortSignal): Promise<CloudResult<LoadBalancer[]>> {
    const filters = query.tags ? { Filters: requests.tagFilters(query.tags) } : {};
    if (query.ids === undefined) return this.#allLoadBalancers(filters, signal);
    const pages = requests.chunks(query.ids, requests.DESCRIBE_IDS_MAX);
    return concatenate(pages, ids => this.#loadBalancersById(ids, filters, signal));
  }

  async #loadBalancersById(
    ids: readonly string[],
    filters: object,
    signal: AbortSignal,
  ): Promise<CloudResult<LoadBalancer[]>> {
    const page = await this.#loadBalancerPage({ LoadBalancerIds: ids, ...filters }, signal);
    const result: CloudResult<LoadBalancer[]> = page.ok ? { ok: true, value: [...page.value.items] } : page;
    return withoutUnknown(result, ids, half => this.#loadBalancersById(half, filters, signal));
  }

  /** A count that changes on the way means that items may have moved to a page read before: then all is read again. */
  async #allLoadBalancers(filters: object, signal: AbortSignal): Promise<CloudResult<LoadBalancer[]>> {
    let found: LoadBalancer[] = [];
    let expectedCount: number | undefined;
    for (let request = 0; request < LOAD_BALANCER_PAGES_MAX; request += 1) {
      const parameters = { Limit: requests.LOAD_BALANCER_PAGE_SIZE, Offset: found.length, ...filters };
      const page = await this.#loadBalancerPage(parameters, signal);
      if (!page.ok) return page;
      const { items, totalCount } = page.value;
      const moved = expectedCount !== undefined && expectedCount !== totalCount;
      expectedCount = moved ? undefined : totalCount;
      found = moved ? [] : [...found, ...items];
      if (!moved && (items.length === 0 || found.length >= totalCount)) return { ok: true, value: distinct(found) };
    }
    const error = new MalformedReplyError(`no end of load balancers in ${LOAD_BALANCER_PAGES_MAX} pages`);
    return { ok: false, error: classify('DescribeLoadBalancers', error) };
  }

  #loadBalancerPage(parameters: object, signal: AbortSignal): Promise<CloudResult<replies.Page<LoadBalancer>>> {
    return this.#caller.read({ action: 'DescribeLoadBalancers', parameters, parse: replies.loadBalancerPage }, signal);
  }
}

function distinct(balancers: readonly LoadBalancer[]): LoadBalancer[] {
  return [...new Map(balancers.map(balancer => [balancer.id, balancer])).values()];
}

/** The result; if it is that something does not exist, what the halves of the ids give, down to the unknown id alone. */
async function withoutUnknown<T>(
  result: CloudResult<T[]>,
  ids: readonly string[],
  readHalf: (ids: readonly string[]) => Promise<CloudResult<T[]>>,
): Promise<CloudResult<T[]>> {
  if (result.ok || !result.error.notFound) return result;
  if (ids.length === 1) return { ok: true, value: [] };
  return concatenate(requests.chunks(ids, Math.ceil(ids.length / 2)), readHalf);
}

/** The values of all parts in order, or the first error. */
async function concatenate<Part, T>(
  parts: readonly Part[],
  read: (part: Part) => Promise<CloudResult<T[]>>,
): Promise<CloudResult<T[]>> {
  const results = await inOrder(parts, PAGES_AT_ONCE_MAX, read);
  const values: T[][] = [];
  for (const result of results) {
    if (!result.ok) return result;
    values.push(result.value);
  }
  return { ok: true, value: values.flat() };
}

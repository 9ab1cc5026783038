import type { KubeRequest } from '../../common/kube/transport.ts';
import type { ApiResponse, OpenedWatch } from '../../sandbox/kube/api/kube-api-server.ts';

/** What is wrong with single requests of the product's processes. */
export interface ApiFault {
  readonly hits: 'reads' | 'writes' | 'watches';
  /** `never`: no answer comes. */
  readonly status: 409 | 410 | 429 | 500 | 503 | 504 | 'never';
  /** `after`: what was asked is done all the same. */
  readonly when: 'before' | 'after';
  /** How many requests it hits. */
  readonly count: number;
}

const REASONS: Readonly<Record<number, string>> = {
  403: 'Forbidden',
  409: 'Conflict',
  410: 'Expired',
  429: 'TooManyRequests',
  500: 'InternalError',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

/** The faults of the API server that are switched on, oldest first. */
export class ApiFaults {
  #armed: { readonly fault: ApiFault; left: number }[] = [];
  readonly #denied = new Set<string>();

  /** Nobody whom faults hit may read or write this resource (plural) until it is allowed. */
  deny(resource: string): void {
    this.#denied.add(resource);
  }

  allow(resource: string): void {
    this.#denied.delete(resource);
  }

  add(fault: ApiFault): void {
    this.#armed.push({ fault, left: fault.count });
  }

  remove(fault: ApiFault): void {
    this.#armed = this.#armed.filter(armed => armed.fault !== fault);
  }

  async answer({ method, path }: KubeRequest, serve: () => Promise<ApiResponse>): Promise<ApiResponse> {
    if (this.#isDenied(path)) return refusal(403);
    const fault = this.#take(method === 'GET' ? 'reads' : 'writes');
    if (!fault) return serve();
    if (fault.when === 'after') await serve();
    // The caller's deadline ends the wait; the promise is collected with it.
    return fault.status === 'never' ? new Promise(() => undefined) : refusal(fault.status);
  }

  refuseWatch({ path }: KubeRequest): OpenedWatch | undefined {
    if (this.#isDenied(path)) return { state: 'refused', response: refusal(403) };
    const fault = this.#take('watches');
    if (!fault) return undefined;
    return { state: 'refused', response: refusal(fault.status === 'never' ? 500 : fault.status) };
  }

  #isDenied(path: string): boolean {
    return path.split('/').some(part => this.#denied.has(part));
  }

  #take(hits: ApiFault['hits']): ApiFault | undefined {
    const armed = this.#armed.find(({ fault, left }) => fault.hits === hits && left > 0);
    if (armed) armed.left -= 1;
    return armed?.fault;
  }
}

function refusal(code: number): ApiResponse {
  const reason = REASONS[code] ?? '';
  const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message: 'a fault of the sandbox' };
  return { status: code, body };
}

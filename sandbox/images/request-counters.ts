import { appendFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ImageEnvironment } from './image-environment.ts';

export interface CounterValues {
  readonly podName: string;
  readonly podUid: string;
  /** Requests whose response was handed over whole to the kernel. */
  readonly served: number;
  /** Requests whose connection ended before that. */
  readonly aborted: number;
  readonly datagrams: number;
  /** Requests of the kubelet, and questions for these counters: in none of the others. */
  readonly probes: number;
}

/** What a program of the sandbox has served, so that a load generator's count can be held against it. */
export class RequestCounters {
  readonly #environment: ImageEnvironment;
  #served = 0;
  #aborted = 0;
  #datagrams = 0;
  #probes = 0;

  constructor(environment: ImageEnvironment) {
    this.#environment = environment;
  }

  /** Call once for each request, when it begins. */
  observe(request: IncomingMessage, response: ServerResponse): void {
    const isProbe = request.headers['user-agent']?.startsWith('kube-probe/') || request.url === '/counters';
    response.once('close', () => {
      if (isProbe) this.#probes += 1;
      else if (response.writableFinished) this.#served += 1;
      else this.#aborted += 1;
    });
  }

  observeDatagram(): void {
    this.#datagrams += 1;
  }

  values(): CounterValues {
    const { podName, podUid } = this.#environment;
    const [served, aborted, datagrams, probes] = [this.#served, this.#aborted, this.#datagrams, this.#probes];
    return { podName, podUid, served, aborted, datagrams, probes };
  }

  /** Appends one line of JSON to the counter file, if there is one. */
  report(): void {
    const { counterFile } = this.#environment;
    if (counterFile) appendFileSync(counterFile, `${JSON.stringify(this.values())}\n`);
  }
}

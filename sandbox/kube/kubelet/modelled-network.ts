import { type Clock, sleep } from '../../../common/clock.ts';
import { deadline } from '../../../common/deadline.ts';
import type { ModelledRuntime } from './modelled-runtime.ts';
import { type NodeConnect, type NodeHttpGet, type NodeNetwork, NodeNetworkError } from './node-network.ts';

/** What stands behind the node's redirect: resolves when the call is answered, rejects when the connection breaks. */
export type RedirectedCall = (call: NodeHttpGet, signal: AbortSignal) => Promise<unknown>;

export interface ModelledNetworkOptions {
  readonly clock: Clock;
  readonly containers: ModelledRuntime;
  readonly latencyMs: number;
  /** Who answers a call to this address and port instead of the Pod; undefined: nobody does. */
  readonly redirect: (address: string, port: number) => RedirectedCall | undefined;
}

/** The network of one node in virtual time: Pods answer 200 where they listen, everything else is refused. */
export function modelledNetwork(options: ModelledNetworkOptions): NodeNetwork {
  const { clock, containers, latencyMs, redirect } = options;
  const reach = async ({ host, port }: NodeConnect, signal: AbortSignal) => {
    await sleep(clock, latencyMs, signal);
    if (!containers.isListening(host, port)) throw refused(host, port);
  };
  return {
    connect: reach,
    async httpGet(request, signal) {
      const answer = redirect(request.host, request.port);
      if (answer) await callRedirected(clock, answer, request, signal);
      else await reach(request, signal);
      return { status: 200 };
    },
  };
}

async function callRedirected(
  clock: Clock,
  answer: RedirectedCall,
  call: NodeHttpGet,
  signal: AbortSignal,
): Promise<void> {
  const { host, port, timeoutMs } = call;
  using limit = deadline(clock, `the call to ${host}:${port}`, timeoutMs, signal);
  const aborted = new Promise<never>((_resolve, reject) => {
    limit.signal.addEventListener('abort', () => reject(limit.signal.reason), { once: true });
  });
  try {
    await Promise.race([answer(call, limit.signal), aborted]);
  } catch (error) {
    throw new NodeNetworkError(`Get "http://${host}:${port}": connection broken`, { cause: error });
  }
}

function refused(host: string, port: number): NodeNetworkError {
  return new NodeNetworkError(`dial tcp ${host}:${port}: connect: connection refused`);
}

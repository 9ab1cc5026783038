import type { ConnectionSource } from '../../agent/connections/source.ts';
import { parseHookRequest } from '../../agent/drain/hook-request.ts';
import type { HookCallee, HookCallees, HookTransport } from '../../agent/drain/hook-transport.ts';
import { noMetrics } from '../../agent/metrics.ts';
import type { ProbeSource } from '../../agent/node/probe-source.ts';
import type { HookRedirect } from '../../agent/redirect/hook-redirect.ts';
import { RememberedRedirect } from '../../agent/redirect/remembered-redirect.ts';
import { containerRuntime } from '../../agent/runtime/container-runtime.ts';
import type { RuntimeSource } from '../../agent/runtime/source.ts';
import { aborted } from '../../common/aborted.ts';
import type { Logger } from '../../common/logger.ts';
import type { RedirectedCall } from '../../sandbox/kube/kubelet/modelled-network.ts';
import type { ModelledRuntime } from '../../sandbox/kube/kubelet/modelled-runtime.ts';
import type { NodeHttpGet } from '../../sandbox/kube/kubelet/node-network.ts';
import { ModelRuntime, type ModelRuntimeOptions } from './model-runtime.ts';
import type { ModelServers } from './model-server.ts';
import type { Body } from './process/process.ts';

/** Of the process that an agent is: nothing reaches it while it is frozen. */
type AgentProcess = Pick<Body, 'clock' | 'severed'>;

/** The edges of one node's agent in virtual time: the node's redirect rule, its runtime and its connection tables. */
export class ModelNode {
  readonly #containers: ModelledRuntime;
  readonly #servers: ModelServers;
  readonly #rule = new RememberedRedirect();
  /** Who answers at which port. */
  readonly #handlers = new Map<number, RedirectedCall>();
  readonly #hookPort: number;
  #lastPort = 0;

  constructor(containers: ModelledRuntime, servers: ModelServers, hookPort: number) {
    this.#hookPort = hookPort;
    this.#containers = containers;
    this.#servers = servers;
  }

  /** For the node's network: who answers a hook call to this address. */
  readonly redirect = (address: string, port: number): RedirectedCall | undefined => {
    const { standing } = this.#rule;
    if (port !== this.#hookPort || !standing?.addresses.includes(address)) return undefined;
    return this.#handlers.get(standing.agentPort) ?? refuse;
  };

  /** The edges of one more agent, at a port of its own. When it is severed, the calls that it holds break. */
  agent(process: AgentProcess): { readonly hooks: HookTransport; readonly redirect: HookRedirect } {
    const port = ++this.#lastPort;
    return {
      hooks: { serve: (callees, signal) => this.#serve(port, callees, { signal, ...process }) },
      redirect: this.#rule.edge(port),
    };
  }

  async #serve(
    port: number,
    callees: HookCallees,
    { signal, severed, clock }: AgentProcess & { readonly signal: AbortSignal },
  ): Promise<void> {
    const held = new Set<Promise<string>>();
    this.#handlers.set(port, (request, caller) => {
      const answer = clock.awake().then(() => callees.hold(calleeOf(request, callees, this.#hookPort), caller));
      const call = orBroken(answer, severed);
      held.add(call);
      return call.finally(() => held.delete(call));
    });
    this.#rule.served.add(port);
    await Promise.race([aborted(signal), aborted(severed)]);
    this.#handlers.delete(port);
    this.#rule.served.delete(port);
    await Promise.allSettled(held);
  }

  /** The runtime as one more agent asks it. */
  runtime(options: Omit<ModelRuntimeOptions, 'containers'> & { readonly log: Logger }): RuntimeSource {
    const client = new ModelRuntime({ ...options, containers: this.#containers });
    const metrics = noMetrics();
    return containerRuntime({ ...options, client, choice: 'auto', processes: client.processes(), metrics });
  }

  connections(): ConnectionSource {
    return {
      read: async ({ podUid, ports }) =>
        this.#servers.ofPod(podUid).flatMap(server =>
          ports.flatMap(localPort =>
            server.connections.map(({ remoteAddress, remotePort }) => ({
              localPort,
              remoteAddress,
              remotePort,
              state: 'ESTABLISHED',
              inode: 1,
            })),
          ),
        ),
    };
  }

  /**
   * What runs answers; every other address is a machine where nothing listens.
   * @param isDark whether the address is of a machine that is gone
   */
  probes(isDark: (address: string) => boolean): ProbeSource {
    return {
      connect: async (address, port, signal) => {
        if (isDark(address)) await aborted(signal);
        signal.throwIfAborted();
        return this.#servers.at(address, port) ? 'connected' : 'refused';
      },
    };
  }
}

/** As the agent's own server reads a call. */
function calleeOf({ host, port, path }: NodeHttpGet, { podUidOf }: HookCallees, hookPort: number): HookCallee {
  const request = parseHookRequest({ method: 'GET', url: path, host: `${host}:${port}`, hookPort });
  if (request.type === 'address') return request;
  const podUid = request.type === 'token' ? podUidOf(request.token) : undefined;
  if (podUid === undefined) throw new Error('the agent does not know the Pod of the call');
  return { podUid };
}

async function refuse(): Promise<never> {
  throw new Error('connection refused');
}

async function orBroken(call: Promise<string>, severed: AbortSignal): Promise<string> {
  const broken = aborted(severed).then(() => Promise.reject(new Error('connection reset by peer')));
  return await Promise.race([call, broken]);
}

import type { ConnectionSource } from '../../agent/connections/source.ts';
import type { HookHandler, HookRedirect, HookTransport } from '../../agent/drain/hook-transport.ts';
import type { ProbeSource } from '../../agent/node/probe-source.ts';
import type { RuntimeSource } from '../../agent/runtime/source.ts';
import { aborted } from '../../common/aborted.ts';
import { HOOK_PORT } from '../../common/names.ts';
import type { RedirectedCall } from '../../sandbox/kube/kubelet/modelled-network.ts';
import type { ModelledRuntime } from '../../sandbox/kube/kubelet/modelled-runtime.ts';
import type { ModelServers } from './model-server.ts';

/** The edges of one node's agent in virtual time: the node's redirect rule, its runtime and its connection tables. */
export class ModelNode {
  readonly #containers: ModelledRuntime;
  readonly #servers: ModelServers;
  #redirected: ReadonlySet<string> = new Set();
  #handler: HookHandler | undefined;

  constructor(containers: ModelledRuntime, servers: ModelServers) {
    this.#containers = containers;
    this.#servers = servers;
  }

  /** For the node's network: who answers a hook call to this address. */
  readonly redirect = (address: string, port: number): RedirectedCall | undefined => {
    if (port !== HOOK_PORT || !this.#redirected.has(address)) return undefined;
    return this.#handler ?? refuse;
  };

  hookRedirect(): HookRedirect {
    return {
      replace: async addresses => {
        this.#redirected = new Set(addresses);
      },
    };
  }

  /** `severed`: the agent is killed; the calls that it holds break. */
  hookTransport(severed: AbortSignal): HookTransport {
    return {
      serve: async (handler, signal) => {
        const held = new Set<Promise<string>>();
        this.#handler = (address, caller) => {
          const call = orBroken(handler(address, caller), severed);
          held.add(call);
          return call.finally(() => held.delete(call));
        };
        const mine = this.#handler;
        await aborted(signal);
        if (this.#handler === mine) this.#handler = undefined;
        await Promise.allSettled(held);
      },
    };
  }

  runtime(): RuntimeSource {
    return {
      processIds: async podUid => this.#containersOf(podUid).map((_, index) => index + 1),
      hasSandbox: async podUid => this.#containersOf(podUid).length > 0,
      exits: untilAborted,
    };
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

  /** What runs answers; every other address is a machine where nothing listens. */
  probes(): ProbeSource {
    return {
      connect: async (address, port) => (this.#servers.at(address, port) ? 'connected' : 'refused'),
    };
  }

  #containersOf(podUid: string) {
    return this.#containers.running().filter(({ spec }) => spec.podUid === podUid);
  }
}

async function refuse(): Promise<never> {
  throw new Error('connection refused');
}

async function orBroken(call: Promise<string>, severed: AbortSignal): Promise<string> {
  const broken = aborted(severed).then(() => Promise.reject(new Error('connection reset by peer')));
  return await Promise.race([call, broken]);
}

/** Exits are seen on the Pod watch. */
function untilAborted(signal: AbortSignal): AsyncIterable<never> {
  const next = () => aborted(signal).then(() => ({ done: true as const, value: undefined }));
  return { [Symbol.asyncIterator]: () => ({ next }) };
}

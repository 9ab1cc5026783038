import { type ContainerRuntimeOptions, containerRuntime } from './container-runtime.ts';
import { GrpcRuntimeClient } from './grpc-runtime-client.ts';
import { procRuntime } from './proc-runtime.ts';
import type { RUNTIME_CHOICES } from './runtime-choice.ts';
import type { RuntimeSource } from './source.ts';

export interface NodeRuntimeOptions extends Pick<ContainerRuntimeOptions, 'clock' | 'random' | 'log' | 'metrics'> {
  readonly choice: (typeof RUNTIME_CHOICES)[number];
  readonly socketPath: string;
  /** The host's /proc. */
  readonly procRoot: string;
}

/** This node's runtime behind its socket, or /proc alone. The connection is given back when `exits` ends. */
export function nodeRuntime({ choice, socketPath, procRoot, ...rest }: NodeRuntimeOptions): RuntimeSource {
  const processes = procRuntime({ procRoot, clock: rest.clock });
  if (choice === 'none') return processes;
  const client = new GrpcRuntimeClient(socketPath);
  const runtime = containerRuntime({ ...rest, client, choice, processes });
  return {
    ...runtime,
    async *exits(signal) {
      try {
        yield* runtime.exits(signal);
      } finally {
        client.close();
      }
    },
  };
}

import type { Clock } from '../../common/clock.ts';
import type { TkeServiceConfig } from '../../common/kube/objects.ts';
import { type ReflectorEvent, runReflector } from '../../common/kube/reflector.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Logger } from '../../common/logger.ts';
import type { Random } from '../../common/random.ts';
import { type OptionalRead, optionalReadFailed } from './optional-read.ts';

/** A TkeServiceConfig as it stands; what it says is read by whoever uses it, since it may say anything. */
export interface TkeServiceConfigRecord {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly resourceVersion: string;
  readonly spec: unknown;
}

export interface TkeServiceConfigReflectorOptions extends OptionalRead {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly onEvent: (event: ReflectorEvent<TkeServiceConfigRecord>) => void;
}

/** Keeps all TkeServiceConfigs until `signal` aborts. Where the kind is not known it is looked for every 30 s or so. */
export function runTkeServiceConfigReflector(
  options: TkeServiceConfigReflectorOptions,
  signal: AbortSignal,
): Promise<void> {
  const { transport, clock, random, onEvent } = options;
  return runReflector<TkeServiceConfig, TkeServiceConfigRecord>(
    {
      transport,
      clock,
      random,
      path: '/apis/cloud.tencent.com/v1alpha1/tkeserviceconfigs',
      project: tkeServiceConfigRecord,
      onEvent,
      onError: optionalReadFailed({ ...options, kinds: 'TkeServiceConfigs' }),
    },
    signal,
  );
}

function tkeServiceConfigRecord({ metadata, spec }: TkeServiceConfig): TkeServiceConfigRecord {
  const { uid = '', namespace = 'default', name, resourceVersion = '' } = metadata;
  return { uid, namespace, name, resourceVersion, spec };
}

import type { Clock } from '../../common/clock.ts';
import type { KubeObject } from '../../common/kube/objects.ts';
import { type ReflectorEvent, runReflector } from '../../common/kube/reflector.ts';
import type { KubeTransport } from '../../common/kube/transport.ts';
import type { Logger } from '../../common/logger.ts';
import { INJECT_ANNOTATION } from '../../common/names.ts';
import type { Random } from '../../common/random.ts';

/** The fields of a Namespace that the injection of its Pods reads. */
export interface NamespaceRecord {
  /** Its word about its Pods, by annotation or else by label; undefined unless it is `"true"` or `"false"`. */
  readonly inject: boolean | undefined;
  /** The Pod Security Standard that it enforces; undefined when it names none. */
  readonly podSecurity: string | undefined;
}

export interface NamespaceReflectorOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Keys are names. */
  readonly onEvent: (event: ReflectorEvent<NamespaceRecord>) => void;
}

const POD_SECURITY_LABEL = 'pod-security.kubernetes.io/enforce';

/** Keeps all Namespaces until `signal` aborts. */
export function runNamespaceReflector(options: NamespaceReflectorOptions, signal: AbortSignal): Promise<void> {
  const { transport, clock, random, log, onEvent } = options;
  return runReflector<KubeObject, NamespaceRecord>(
    {
      transport,
      clock,
      random,
      path: '/api/v1/namespaces',
      project: namespaceRecord,
      onEvent,
      onError: error => log.warn('Namespaces were not listed or watched, will try again', { error }),
    },
    signal,
  );
}

export function namespaceRecord({ metadata }: KubeObject): NamespaceRecord {
  const { annotations, labels } = metadata;
  return {
    inject: switchOf(annotations?.[INJECT_ANNOTATION] ?? labels?.[INJECT_ANNOTATION]),
    podSecurity: labels?.[POD_SECURITY_LABEL],
  };
}

function switchOf(text: string | undefined): boolean | undefined {
  return text === 'true' || text === 'false' ? text === 'true' : undefined;
}

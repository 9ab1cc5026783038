import type { Clock } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import { get } from '../../common/kube/client.ts';
import type { KubeObject } from '../../common/kube/objects.ts';
import { resourcePath } from '../../common/kube/paths.ts';
import { KubeResponseError, type KubeTransport } from '../../common/kube/transport.ts';
import type { Logger } from '../../common/logger.ts';
import type { Random } from '../../common/random.ts';
import { problem } from '../loadbalancers/problem.ts';
import { type ConfigKind, shortfallOf } from '../tke-service-config/config-kind.ts';
import { EventRecorder, type EventSubject } from './event-recorder.ts';

interface ConfigKindCheckOptions {
  readonly transport: KubeTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The Pod of this replica, which gets the Event. */
  readonly replica: EventSubject;
}

const NAME = 'tkeserviceconfigs.cloud.tencent.com';
const PATH = resourcePath({
  group: 'apiextensions.k8s.io',
  version: 'v1',
  resource: 'customresourcedefinitions',
  name: NAME,
});
const TIMEOUT_MS = 5_000;
const NOT_FOUND = 404;

/**
 * Looks once whether the cluster's TkeServiceConfigs can hold what is read of them, and tells by an Event when not. What
 * cannot be found out is logged; a cluster without the kind is well. Resolves when `signal` aborts, or sooner.
 */
export async function checkConfigKind(options: ConfigKindCheckOptions, signal: AbortSignal): Promise<void> {
  const { logger, replica } = options;
  const shortfall = await look(options, signal);
  if (shortfall === undefined) return;
  const told = problem(
    'CD3007',
    `The CustomResourceDefinition ${NAME} ${shortfall}: such settings are not applied. Update it with TKE's add-ons, or ` +
      'replace it by the one of the chart (tkeServiceConfig.crd); everything else works.',
  );
  logger.warn('TkeServiceConfigs cannot hold all settings', { code: told.code, problemText: told.message });
  const onError = (_: unknown, error: unknown) => logger.warn('an Event was not written', { error });
  const events = new EventRecorder({ ...options, instance: replica.name, onError });
  events.record({ subject: replica, type: 'Warning', ...told });
  await events.run(signal);
}

async function look({ transport, clock, logger }: ConfigKindCheckOptions, signal: AbortSignal) {
  using limit = deadline(clock, `GET ${NAME}`, TIMEOUT_MS, signal);
  try {
    return shortfallOf(await get<KubeObject & ConfigKind>(transport, PATH, limit.signal));
  } catch (error) {
    const isAbsent = error instanceof KubeResponseError && error.status === NOT_FOUND;
    if (!isAbsent) logger.warn('the CustomResourceDefinition of TkeServiceConfigs could not be read', { error });
    return undefined;
  }
}

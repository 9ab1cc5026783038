import type { OwnerRecord } from '../kube/owner-record.ts';
import type { TkeServiceConfigRecord } from '../kube/tke-service-config-reflector.ts';
import { ownerName } from '../loadbalancers/owner.ts';
import { type Problem, problem } from '../loadbalancers/problem.ts';
import type { Claim } from '../loadbalancers/service-intent.ts';
import { readConfigSettings } from './config-settings.ts';
import { settledIntent } from './settled-intent.ts';

/**
 * The claim with the settings that the object names by annotation, if it names any. `configOf` is asked by name;
 * `unreadable`: nobody can tell what it says, or whether it is there.
 */
export function configuredClaim(
  owner: OwnerRecord,
  claim: Claim,
  configOf: (name: string) => TkeServiceConfigRecord | 'unreadable' | undefined,
): Claim {
  if (claim.kind !== 'claimed' || claim.intent.leaving) return claim;
  const { name, isAuto, problems } = configName(owner);
  const config = name === undefined ? undefined : configOf(name);
  const { intent } = claim;
  const told = (more: readonly Problem[]): Claim => ({
    kind: 'claimed',
    intent: { ...intent, problems: [...intent.problems, ...problems, ...more] },
  });
  if (name === undefined || (!config && isAuto)) return told([]);
  if (config === 'unreadable') return told([configUnreadable(owner, name)]);
  if (!config) return told([configMissing(owner, name)]);
  const { settings, complaints } = readConfigSettings(config.spec);
  const settled = settledIntent(intent, settings);
  const wrong = complaints.slice(0, COMPLAINTS_MAX).map(complaint => fieldWrong(owner, config, complaint));
  return { kind: 'claimed', intent: { ...settled, problems: [...intent.problems, ...problems, ...wrong] } };
}

/** So many wrong fields are told at a time. */
const COMPLAINTS_MAX = 10;

export interface ConfigName {
  /** Undefined: none is named. */
  readonly name: string | undefined;
  /** The object is ours to make and to keep in step. */
  readonly isAuto: boolean;
  readonly problems: readonly Problem[];
}

/** Which TkeServiceConfig of its namespace the object is set up by. */
export function configName(owner: OwnerRecord): ConfigName {
  const { kind = 'Service', name, annotations } = owner;
  const annotation = ANNOTATIONS[kind];
  const named = annotations[annotation] || undefined;
  const isAuto = annotations[`${annotation}-auto`] === 'true';
  if (!isAuto || named !== undefined) {
    return { name: named, isAuto: false, problems: isAuto ? [namedTwice(owner, annotation)] : [] };
  }
  return { name: `${name}-auto-${kind.toLowerCase()}-config`, isAuto, problems: [] };
}

const ANNOTATIONS = {
  Service: 'service.cloud.tencent.com/tke-service-config',
  Ingress: 'ingress.cloud.tencent.com/tke-service-config',
} as const;

function configMissing(owner: OwnerRecord, name: string): Problem {
  return problem(
    'CD1046',
    `${ownerName(owner)}: TkeServiceConfig ${name} does not exist in its namespace. Create it, or correct the annotation; ` +
      'listeners and rules keep the settings that they have.',
  );
}

function configUnreadable(owner: OwnerRecord, name: string): Problem {
  return problem(
    'CD3006',
    `${ownerName(owner)}: TkeServiceConfig ${name} is not applied, because the coordinator may not read TkeServiceConfigs. ` +
      'Allow it to get, list and watch tkeserviceconfigs.cloud.tencent.com; listeners and rules keep the settings that ' +
      'they have.',
  );
}

function fieldWrong(owner: OwnerRecord, { name }: TkeServiceConfigRecord, complaint: string): Problem {
  return problem(
    'CD1047',
    `${ownerName(owner)}: in TkeServiceConfig ${name}, ${complaint}. It counts as left out; all else of it is applied.`,
  );
}

function namedTwice(owner: OwnerRecord, annotation: string): Problem {
  return problem(
    'CD1044',
    `${ownerName(owner)}: the annotations ${annotation} and ${annotation}-auto exclude each other. The first counts; remove ` +
      'one of the two.',
  );
}

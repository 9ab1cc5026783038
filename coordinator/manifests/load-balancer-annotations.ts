import type { CreationSettings, LoadBalancerSettings } from '../cloud/load-balancer-settings.ts';
import { type Problem, problem } from '../loadbalancers/problem.ts';
import type { AnnotatedObject } from './annotation-reader.ts';
import { AnnotationReader, isRecord } from './annotation-reader.ts';

/** What Services and Ingresses call the same; of several spellings the first that is there counts. */
export interface LoadBalancerKeys {
  readonly chargeType: readonly string[];
  readonly maxBandwidth: readonly string[];
  readonly extensiveParameters: string;
  readonly securityGroups: string;
  readonly passToTarget: string;
  readonly deletionProtection: string;
  readonly retain: string;
}

export const SERVICE_LOAD_BALANCER_KEYS: LoadBalancerKeys = {
  chargeType: [
    'service.kubernetes.io/qcloud-loadbalancer-internet-charge-type',
    'kubernetes.io/service.internetChargeType',
  ],
  maxBandwidth: [
    'service.kubernetes.io/qcloud-loadbalancer-internet-max-bandwidth-out',
    'kubernetes.io/service.internetMaxBandwidthOut',
  ],
  extensiveParameters: 'service.kubernetes.io/service.extensiveParameters',
  securityGroups: 'service.cloud.tencent.com/security-groups',
  passToTarget: 'service.cloud.tencent.com/pass-to-target',
  deletionProtection: 'service.cloud.tencent.com/deletion-protection',
  retain: 'service.cloud.tencent.com/loadbalance-retain',
};

/** What the load balancer of an object shall be like. */
export interface LoadBalancerWish {
  /** Undefined when nothing was chosen. */
  readonly creation: CreationSettings | undefined;
  /** What the creation names makes no sense: none is to be made, since it could not be corrected later. */
  readonly isHeld: boolean;
  /** Undefined when nothing was chosen. */
  readonly settings: LoadBalancerSettings | undefined;
  readonly retains: boolean;
  readonly problems: readonly Problem[];
}

/** Where the load balancer comes from. */
export type LoadBalancerSource = 'existing' | 'public' | 'internal';

const CHARGE_TYPES = ['TRAFFIC_POSTPAID_BY_HOUR', 'BANDWIDTH_POSTPAID_BY_HOUR'];
const BANDWIDTH_MBPS_MAX = 2048;
const SECURITY_GROUPS = {
  pattern: /^sg-[a-z0-9]+$/,
  max: 5,
  what: 'up to 5 ids such as sg-1a2b3c4d, with commas between',
};
/** Fields of CreateLoadBalancer that may be given; the others are ours to choose, or nothing that we can keep up. */
const PARAMETERS = [
  'AddressIPVersion',
  'BandwidthPackageId',
  'InternetAccessible',
  'LoadBalancerPassToTarget',
  'MasterZoneId',
  'ProjectId',
  'SlaType',
  'SlaveZoneId',
  'SubnetId',
  'Vip',
  'VipIsp',
  'ZoneId',
];

/** Reads what an object's annotations say about its load balancer. */
export function readLoadBalancerWish(
  object: AnnotatedObject,
  keys: LoadBalancerKeys,
  source: LoadBalancerSource,
): LoadBalancerWish {
  if (source === 'existing') return ofExisting(object, keys);
  const creating = new AnnotationReader(object);
  const internet = source === 'public' ? internetOf(creating, keys) : noInternet(creating, keys);
  const more = parametersOf(creating, keys.extensiveParameters);
  const living = new AnnotationReader(object);
  const securityGroups = living.list(keys.securityGroups, SECURITY_GROUPS);
  const passToTarget = living.flag(keys.passToTarget);
  const isProtected = living.flag(keys.deletionProtection) === true;
  const creation = { ...internet, ...(passToTarget !== undefined && { passToTarget }), ...(more && { more }) };
  const { maxBandwidthMbps } = internet;
  const settings = {
    ...(securityGroups && { securityGroups }),
    ...(passToTarget !== undefined && { passToTarget }),
    ...(maxBandwidthMbps !== undefined && { maxBandwidthMbps }),
    ...(isProtected && { deleteProtected: true }),
  };
  return {
    creation: isEmpty(creation) ? undefined : creation,
    isHeld: creating.problems.length > 0,
    settings: isEmpty(settings) ? undefined : settings,
    retains: living.flag(keys.retain) === true,
    problems: [...creating.problems, ...living.problems],
  };
}

function internetOf(reader: AnnotationReader, keys: LoadBalancerKeys) {
  const chargeKey = reader.first(keys.chargeType);
  const bandwidthKey = reader.first(keys.maxBandwidth);
  const chargeType = chargeKey && reader.choice(chargeKey, CHARGE_TYPES);
  const maxBandwidthMbps = bandwidthKey && reader.integer(bandwidthKey, 1, BANDWIDTH_MBPS_MAX);
  return { ...(chargeType && { chargeType }), ...(maxBandwidthMbps && { maxBandwidthMbps }) };
}

/** @returns nothing: a private load balancer has neither. */
function noInternet(reader: AnnotationReader, keys: LoadBalancerKeys): { readonly maxBandwidthMbps?: number } {
  for (const key of [reader.first(keys.chargeType), reader.first(keys.maxBandwidth)]) {
    if (key)
      reader.malformed(key, 'a private load balancer has no Internet traffic to charge for; remove one of the two');
  }
  return {};
}

function parametersOf(reader: AnnotationReader, key: string): Readonly<Record<string, unknown>> | undefined {
  const given = reader.jsonObject(key, '{"VipIsp":"CTCC"}');
  if (!given) return undefined;
  const others = Object.keys(given).filter(name => !PARAMETERS.includes(name));
  const { InternetAccessible: internet } = given;
  if (internet !== undefined && !isRecord(internet)) {
    reader.malformed(key, 'its InternetAccessible has to be an object such as {"InternetMaxBandwidthOut":10}');
  }
  if (others.length > 0) {
    const message =
      `${reader.label}: annotation ${key} names ${others.slice(0, 5).join(', ')}, which clb-direct chooses by itself or does ` +
      `not support; no load balancer is made until that is removed. It takes ${PARAMETERS.join(', ')}.`;
    reader.problems.push(problem('CD1022', message));
  }
  return given;
}

/** Law L6: what others made is theirs to set up. */
function ofExisting(object: AnnotatedObject, keys: LoadBalancerKeys): LoadBalancerWish {
  const reader = new AnnotationReader(object);
  const { chargeType, maxBandwidth, extensiveParameters, securityGroups, passToTarget, deletionProtection } = keys;
  const all = [...chargeType, ...maxBandwidth, extensiveParameters, securityGroups, passToTarget, deletionProtection];
  const written = all.filter(key => reader.text(key) !== undefined);
  if (written.length > 0) {
    const message =
      `${reader.label}: it uses a load balancer that somebody else made, whose settings clb-direct never changes: ` +
      `${written.join(', ')} ${written.length === 1 ? 'has' : 'have'} no effect. Set it up in the CLB console.`;
    reader.problems.push(problem('CD1023', message));
  }
  return { creation: undefined, isHeld: false, settings: undefined, retains: false, problems: reader.problems };
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0;
}

import type { LoadBalancerKeys } from '../manifests/load-balancer-annotations.ts';

/** Ingress annotations written by users, TKE's own names (tke-conventions section 1.2). */

const TKE = 'ingress.cloud.tencent.com';
const KUBERNETES = 'kubernetes.io/ingress';

export const DIRECT_ACCESS = `${TKE}/direct-access`;
export const EXISTING_LOAD_BALANCER = `${KUBERNETES}.existLbId`;
export const INTERNAL_SUBNET = `${KUBERNETES}.subnetId`;
export const LISTEN_PORTS = `${TKE}/listen-ports`;
export const RULE_MIX = `${KUBERNETES}.rule-mix`;
export const RULE_MIX_BOTH = `${KUBERNETES}.rule-mix-both`;
export const HTTP_RULES = `${KUBERNETES}.http-rules`;
export const HTTPS_RULES = `${KUBERNETES}.https-rules`;
export const AUTO_REWRITE = `${TKE}/auto-rewrite`;
export const AUTO_REWRITE_CODE = `${TKE}/auto-rewrite-code`;
export const REWRITE_SUPPORT = `${TKE}/rewrite-support`;
export const CERTIFICATE = `${TKE}/certificate`;
export const ENABLE_GROUP = `${TKE}/enable-group`;
export const MODIFICATION_PROTECTION = `${TKE}/modification-protection`;
export const WEIGHTS = `${TKE}/lb-rs-weight`;
export const MIX_TARGET_PREFER = `${TKE}/mix-target-prefer`;

export const LOAD_BALANCER_KEYS: LoadBalancerKeys = {
  chargeType: [`${KUBERNETES}.internetChargeType`],
  maxBandwidth: [`${KUBERNETES}.internetMaxBandwidthOut`],
  extensiveParameters: `${KUBERNETES}.extensiveParameters`,
  securityGroups: `${TKE}/security-groups`,
  passToTarget: `${TKE}/pass-to-target`,
  deletionProtection: `${TKE}/deletion-protection`,
  retain: `${TKE}/loadbalance-retain`,
};

/** Our class, and TKE's: an Ingress of the latter is ours with direct access alone. */
export const TKE_CLASS = 'qcloud';

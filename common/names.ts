/** Words of the API (design section 5). Each stands here once. */

export const READINESS_GATE = 'clb-direct.io/load-balancer-ready';
export const LOAD_BALANCER_CLASS = 'clb-direct.io/clb';
export const INGRESS_CLASS = 'clb-direct';
export const FINALIZER = 'clb-direct.io/resources';
/** How finalizers of TKE's own controllers end; on Services it is `service.k8s.tencent/resources`, on Ingresses it is published nowhere. */
export const TKE_FINALIZER_SUFFIX = '.k8s.tencent/resources';
/** Of TKE's own controllers, on Pods that were made while one of them served their Service or Ingress. */
export const TKE_READINESS_GATE = 'cloud.tencent.com/load-balancer-backendgroup-ready';

/** Label of Pods: which instance's gate and hook they get, the default one's without it. */
export const INSTANCE_LABEL = 'clb-direct.io/instance';

/** Pod annotations written by users; `inject` also as a label, and on namespaces. */
export const DRAIN_SECONDS_ANNOTATION = 'clb-direct.io/drain-seconds';
export const INJECT_ANNOTATION = 'clb-direct.io/inject';
/**
 * Written by the webhook: the grace period that the Pod asked for, before the drain budget was added. It is the
 * application's own share of the raised one.
 */
export const APPLICATION_GRACE_ANNOTATION = 'clb-direct.io/application-grace-seconds';
/**
 * Written by the webhook, or by users: no preStop call is answered sooner, in seconds. It stands for a preStop sleep that
 * our call has replaced.
 */
export const MINIMUM_HOLD_ANNOTATION = 'clb-direct.io/minimum-hold-seconds';
export const CUSTOM_WEIGHT_ANNOTATION = 'service.cloud.tencent.com/custom-weight';
export const INGRESS_CUSTOM_WEIGHT_ANNOTATION = 'ingress.cloud.tencent.com/custom-weight';

/** Service annotations, TKE's own names (tke-conventions section 1.1). */
export const DIRECT_ACCESS_ANNOTATION = 'service.cloud.tencent.com/direct-access';
export const MODE_ANNOTATION = 'service.cloud.tencent.com/mode';
export const INGRESS_MODE_ANNOTATION = 'ingress.cloud.tencent.com/mode';
export const EXISTING_LOAD_BALANCER_ANNOTATION = 'service.kubernetes.io/tke-existed-lbid';
export const INTERNAL_SUBNET_ANNOTATION = 'service.kubernetes.io/qcloud-loadbalancer-internal-subnetid';
export const LOAD_BALANCER_ID_ANNOTATION = 'service.kubernetes.io/loadbalance-id';

/** Service annotation written by users: `"true"` lets the Service use a listener that somebody else made. */
export const ADOPT_LISTENER_ANNOTATION = 'clb-direct.io/adopt-listener';
/** Service and Ingress annotation written by users: `"true"` has everything that the object has in CLB left as it is. */
export const PAUSED_ANNOTATION = 'clb-direct.io/paused';
/** Service annotations written by us before anything is made or used there; what is in them is cleaned up one day. */
export const LOAD_BALANCERS_ANNOTATION = 'clb-direct.io/load-balancers';
export const ADOPTED_LISTENERS_ANNOTATION = 'clb-direct.io/adopted-listeners';

/** Ingress annotations, TKE's own names (tke-conventions section 1.2). */
export const INGRESS_CLASS_ANNOTATION = 'kubernetes.io/ingress.class';
export const INGRESS_LOAD_BALANCER_ID_ANNOTATION = 'kubernetes.io/ingress.qcloud-loadbalance-id';

/** The port that a preStop hook calls on the Pod's own address; the agent's node redirects it. */
export const HOOK_PORT = 19440;
export const HOOK_PATH = '/v1/drain';

export const TOKEN_AUDIENCE = 'clb-direct';

import { type Problem, problem } from '../loadbalancers/problem.ts';
import { type AnnotatedObject, AnnotationReader } from './annotation-reader.ts';

/** An annotation of which nothing follows, and what is told about it. */
interface Unfollowed {
  readonly key: string;
  /** Why, and what to do: the end of the sentence "annotation … has no effect: ". */
  readonly why: string;
}

const NODE_PORTS = 'it chooses nodes behind a NodePort, and clb-direct binds Pods. Remove it';

/** What asks for something that clb-direct does not do. */
const REFUSED: readonly Unfollowed[] = [
  { key: 'service.kubernetes.io/qcloud-loadbalancer-backends-label', why: NODE_PORTS },
  { key: 'service.kubernetes.io/local-svc-only-bind-node-with-pod', why: NODE_PORTS },
  {
    key: 'service.cloud.tencent.com/local-svc-weighted-balance',
    why: `${NODE_PORTS}, or give Pods weights by the annotation service.cloud.tencent.com/custom-weight`,
  },
  {
    key: 'service.kubernetes.io/qcloud-clusterip-loadbalancer-subnetid',
    why: 'it has TKE implement ClusterIP by a load balancer. Use a Service of its own with an internal load balancer',
  },
  {
    key: 'service.cloud.tencent.com/modification-protection',
    why: 'CLB has no public call for it. Keep others from changing the load balancer by a policy of access management (CAM)',
  },
];

/** The load balancer would stand elsewhere: one in this region is not what was asked for. */
const ELSEWHERE: readonly string[] = [
  'service.cloud.tencent.com/cross-region-id',
  'service.cloud.tencent.com/cross-vpc-id',
];

/** What the drain of clb-direct does in any case, or what direct access makes needless. */
const NEEDLESS: readonly Unfollowed[] = [
  ...['enable-grace-shutdown', 'enable-grace-shutdown-tkex', 'enable-grace-deletion'].map(name => ({
    key: `service.cloud.tencent.com/${name}`,
    why: 'every Pod is drained before it stops, so that nothing more is to be switched on',
  })),
  {
    key: 'service.cloud.tencent.com/prevent-loopback',
    why:
      "it is about kube-proxy's handling of the address, which clb-direct leaves to the cluster. Let clients inside the " +
      'cluster use the ClusterIP',
  },
];

/** What is told about annotations of a Service that do nothing here. */
export function unfollowedAnnotations(service: AnnotatedObject): readonly Problem[] {
  const reader = new AnnotationReader(service);
  const isWritten = ({ key }: Unfollowed) => ![undefined, '', 'false'].includes(reader.text(key));
  const told = (code: 'CD1021' | 'CD1024') => (entry: Unfollowed) =>
    problem(code, `${reader.label}: annotation ${entry.key} has no effect: ${entry.why}.`);
  return [...REFUSED.filter(isWritten).map(told('CD1021')), ...NEEDLESS.filter(isWritten).map(told('CD1024'))];
}

/** The Service wants its load balancer in another region or VPC: it is not served, or it would be served elsewhere. */
export function crossRegionProblem(service: AnnotatedObject): Problem | undefined {
  const key = ELSEWHERE.find(each => service.annotations[each] !== undefined);
  if (key === undefined) return undefined;
  const { label } = new AnnotationReader(service);
  return problem(
    'CD1021',
    `${label}: annotation ${key} asks for a load balancer in another region or VPC, which clb-direct does not support. ` +
      'Remove it, and use a load balancer of the region and VPC of the cluster; until then nothing is made for it.',
  );
}

/** `spec.loadBalancerSourceRanges`: CLB knows source ranges by security groups alone, and those are the VPC API's. */
export function sourceRangesProblem(service: AnnotatedObject, ranges: readonly string[]): Problem | undefined {
  if (ranges.length === 0) return undefined;
  const { label } = new AnnotationReader(service);
  return problem(
    'CD1020',
    `${label}: spec.loadBalancerSourceRanges is not carried out, so that its load balancer would be open to everybody. Make a ` +
      'security group with these ranges, name it in the annotation service.cloud.tencent.com/security-groups, and remove ' +
      'the field.',
  );
}

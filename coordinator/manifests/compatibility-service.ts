import type { CompatibilityRow } from './compatibility-row.ts';

const LOAD_BALANCER = 'test/compatibility/service-load-balancer.test.ts';
const PORTS = 'test/compatibility/service-ports.test.ts';
const CONFIG = 'test/compatibility/tke-service-config.test.ts';
const REFUSALS = 'test/compatibility/service-refusals.test.ts';
const HAND_OVER = 'test/compatibility/tke-hand-over.test.ts';
const NEEDLESS = `${REFUSALS} > an annotation that needs nothing is told once, and is no warning`;
const UNFOLLOWED = `${REFUSALS} > an annotation that clb-direct does not follow is named with what to do, and the Service is served`;
const SILENT = `${REFUSALS} > what others wrote, or what is over, is passed over in silence`;
const EVERY_POD = 'Every Pod is drained before it stops, which is more than it asks for; a Normal Event says so once.';

/** What stands on Services. */
export const SERVICE_ROWS: readonly CompatibilityRow[] = [
  {
    key: 'service.cloud.tencent.com/direct-access',
    on: 'Service',
    status: 'done',
    what: '`"true"` binds the Pods of the Service; without it, and without our class, the Service is not ours.',
    test: 'test/simulation/bad-input.test.ts > a new Service with an unknown direct-access value gets an Event and nothing else',
  },
  {
    key: 'service.cloud.tencent.com/mode',
    on: 'Service',
    since: 'service 2.10.0',
    status: 'done',
    what:
      '`"skip"` hands the Service over where TKE\'s own controller runs. With `clb-direct.io/adopt-listener: "true"` it keeps ' +
      "the load balancer that TKE made for it, its listeners, their settings and targets; taken off again, TKE's controller " +
      'finds everything as it stands.',
    test: `${HAND_OVER} > keeps its load balancer, listener, settings, targets and address when it is handed over, and is drained losslessly`,
  },
  {
    key: 'metadata.finalizers: service.k8s.tencent/resources',
    on: 'Service',
    status: 'done',
    what:
      "Taken off when a Service is deleted that TKE's controller skips, or it would never go. A load balancer that TKE made " +
      'stays, and an Event names it (CD1028).',
    test: `${HAND_OVER} > can be deleted: TKE's finalizer is taken off, and the load balancer that nobody deletes is named`,
  },
  {
    key: 'service.kubernetes.io/loadbalance-id',
    on: 'Service',
    status: 'read-only',
    what:
      'The load balancer in use is written there, as TKE does, and rewritten when it changes. It is read once: one that TKE ' +
      'made for a Service that is handed over is used on.',
    test: `${LOAD_BALANCER} > is named on the Service, and the next one when the Service moves`,
  },
  {
    key: 'service.kubernetes.io/tke-existed-lbid',
    on: 'Service',
    status: 'done',
    what: 'The Service uses this load balancer. It may be changed: the new one takes over before the old one is left.',
    test: 'test/simulation/bad-input.test.ts > a load balancer id that does not exist is told, looked for ever more rarely, and found once it is there',
  },
  {
    key: 'service.kubernetes.io/qcloud-share-existed-lb',
    on: 'Service',
    status: 'ignored',
    what: 'Services may always share a load balancer, as long as their ports do not clash.',
    test: SILENT,
  },
  {
    key: 'service.kubernetes.io/qcloud-loadbalancer-internal-subnetid',
    on: 'Service',
    status: 'done',
    what: 'A private load balancer is made in this subnet.',
    test: 'test/simulation/load-balancers/creation.test.ts > each of many Services gets its own, internal where it names a subnet',
  },
  {
    key: 'service.kubernetes.io/qcloud-clusterip-loadbalancer-subnetid',
    on: 'Service',
    status: 'refused',
    what: 'ClusterIPs are left to the cluster (CD1021).',
    insteadUse: 'a Service of its own with an internal load balancer.',
    test: UNFOLLOWED,
  },
  {
    key: 'service.kubernetes.io/qcloud-loadbalancer-internet-charge-type',
    on: 'Service',
    status: 'done',
    what:
      'The load balancer is made with it; `TRAFFIC_POSTPAID_BY_HOUR` or `BANDWIDTH_POSTPAID_BY_HOUR`. A value that is neither ' +
      'holds the creation back until it is corrected. The older `kubernetes.io/service.internetChargeType` does the same.',
    test: `${LOAD_BALANCER} > with the charge type and bandwidth of %s`,
  },
  {
    key: 'service.kubernetes.io/qcloud-loadbalancer-internet-max-bandwidth-out',
    on: 'Service',
    status: 'done',
    what:
      '1 to 2048 Mbit/s; may be changed later. The older `kubernetes.io/service.internetMaxBandwidthOut` does the same. ' +
      'Load balancers that somebody else made are not changed (CD1023).',
    test: `${LOAD_BALANCER} > has another bandwidth when the annotation changes`,
  },
  {
    key: 'service.kubernetes.io/service.extensiveParameters',
    on: 'Service',
    status: 'done',
    what:
      'Fields of CreateLoadBalancer: AddressIPVersion, BandwidthPackageId, InternetAccessible, LoadBalancerPassToTarget, ' +
      'MasterZoneId, ProjectId, SlaType, SlaveZoneId, SubnetId, Vip, VipIsp, ZoneId. Any other field is named in an Event ' +
      '(CD1022), and no load balancer is made until it is removed.',
    test: `${LOAD_BALANCER} > with the parameters of extensiveParameters that are taken`,
  },
  {
    key: 'service.cloud.tencent.com/security-groups',
    on: 'Service',
    status: 'done',
    what:
      'Up to 5 groups, all that the load balancer has; may be changed later. Taken off, the groups stay as they are. Load ' +
      'balancers that somebody else made are not changed (CD1023).',
    test: `${LOAD_BALANCER} > has the security groups that the annotation names, also when they change`,
  },
  {
    key: 'service.cloud.tencent.com/pass-to-target',
    on: 'Service',
    status: 'done',
    what: 'May be changed later; load balancers that somebody else made are not changed (CD1023).',
    test: `${LOAD_BALANCER} > lets its traffic pass to targets as the annotation says, also when it changes`,
  },
  {
    key: 'service.cloud.tencent.com/deletion-protection',
    on: 'Service',
    status: 'done',
    what: '`"true"` switches the protection of the load balancer on; nothing switches it off but people (CD1010).',
    test: `${LOAD_BALANCER} > is protected against deletion when the annotation says so`,
  },
  {
    key: 'service.cloud.tencent.com/loadbalance-retain',
    on: 'Service',
    status: 'done',
    what: 'The load balancer that was made for the Service stays when the Service goes (CD1025), without our listeners.',
    test: `${LOAD_BALANCER} > stays when its Service goes and the annotation retains it`,
  },
  {
    key: 'service.cloud.tencent.com/modification-protection',
    on: 'Service',
    status: 'refused',
    what: "CLB's public API has no call for it (CD1021).",
    insteadUse: 'a policy of access management (CAM).',
    test: UNFOLLOWED,
  },
  {
    key: 'spec.loadBalancerSourceRanges',
    on: 'Service',
    status: 'refused',
    what:
      'CLB limits sources by security groups alone, and those belong to the VPC API. A new Service is not served before a ' +
      'group is named (CD1020), so that it is never open to everybody; one that is served goes on.',
    insteadUse: '`service.cloud.tencent.com/security-groups`.',
    test: `${REFUSALS} > is not opened to everybody: nothing is made until a security group is named`,
  },
  {
    key: 'service.cloud.tencent.com/specify-protocol',
    on: 'Service',
    status: 'done',
    what:
      'TCP, UDP, TCP_SSL, HTTP and HTTPS, also one beside UDP on one port; hosts and certificates by Secret. It replaces the ' +
      "port's own protocol; ports that the Service lacks do no harm. A port of which it says nothing sensible keeps what it " +
      'has, and nothing new is made for it (CD1001). CLB has one listener of TCP, TCP_SSL, HTTP or HTTPS on a port: another of ' +
      'these takes its place only when it is gone, so that connections end and none are taken for some seconds.',
    test: `${PORTS} > binds the annotated protocols in place of those of the port, several on one port`,
  },
  {
    key: 'service.cloud.tencent.com/specify-protocol with QUIC',
    on: 'Service',
    status: 'refused',
    what: 'The port keeps what it has, and nothing new is made for it (CD1001).',
    insteadUse: '`UDP`, where the Pods speak QUIC themselves.',
    test: `${PORTS} > that says %s is told, makes nothing new and takes nothing away`,
  },
  {
    key: 'service.kubernetes.io/service.extensiveParameters with SnatPro',
    on: 'Service',
    status: 'refused',
    what: 'Targets in other networks are not bound: no load balancer is made until it is removed (CD1022).',
    insteadUse: "Pods on elastic network interfaces of the load balancer's VPC.",
    test: 'coordinator/manifests/load-balancer-annotations.test.ts > the parameter %s is refused by name',
  },
  {
    key: 'spec.ports[].targetPort (a name)',
    on: 'Service',
    status: 'done',
    what: 'Each Pod is bound at the port that it has by that name.',
    test: `${PORTS} > named target ports lead to the port that each Pod has by that name`,
  },
  {
    key: 'spec.sessionAffinity: ClientIP',
    on: 'Service',
    status: 'done',
    what:
      "Sessions of the listeners on layer 4 for the Service's timeout, within CLB's 30 to 3600 s. None leaves sessions as they " +
      'are, whoever set them.',
    test: `${PORTS} > of ClientIP for %s s makes sessions of %i s`,
  },
  {
    key: 'service.cloud.tencent.com/lb-rs-weight',
    on: 'Service',
    status: 'done',
    what: "Weights by StatefulSet and ordinal, and the default of the others; a Pod's own custom-weight goes before it.",
    test: `${PORTS} > gives Pods of a StatefulSet their weights by ordinal, and lets a Pod's own go before`,
  },
  {
    key: 'service.cloud.tencent.com/tke-service-config',
    on: 'Service',
    status: 'done',
    what:
      'The TkeServiceConfig of the namespace by which listeners and rules are set up. One that does not exist is told (CD1046); ' +
      'listeners keep the settings that they have.',
    test: `${CONFIG} > has its listeners made as l4Listeners says`,
  },
  {
    key: 'service.cloud.tencent.com/tke-service-config-auto',
    on: 'Service',
    status: 'done',
    what:
      '`"true"`: `<name>-auto-service-config` is made, with a section for each listener, and kept in step. One that is named goes ' +
      'before it (CD1044).',
    test: `${CONFIG} > has a section for each listener, keeps what people write there, and goes with the Service`,
  },
  {
    key: 'service.cloud.tencent.com/enable-grace-shutdown',
    on: 'Service',
    status: 'ignored',
    what: EVERY_POD,
    test: NEEDLESS,
  },
  {
    key: 'service.cloud.tencent.com/enable-grace-shutdown-tkex',
    on: 'Service',
    status: 'ignored',
    what: EVERY_POD,
    test: NEEDLESS,
  },
  {
    key: 'service.cloud.tencent.com/enable-grace-deletion',
    on: 'Service',
    since: 'service 2.5.0',
    status: 'ignored',
    what: EVERY_POD,
    test: NEEDLESS,
  },
  {
    key: 'service.cloud.tencent.com/prevent-loopback',
    on: 'Service',
    status: 'ignored',
    what: "It is about kube-proxy's handling of the address, which is left to the cluster; a Normal Event says so once.",
    insteadUse: 'the ClusterIP for clients inside the cluster.',
    test: NEEDLESS,
  },
  {
    key: 'service.kubernetes.io/qcloud-loadbalancer-backends-label',
    on: 'Service',
    status: 'refused',
    what: 'It chooses nodes behind a NodePort (CD1021).',
    insteadUse: 'nothing: Pods are bound wherever they run.',
    test: UNFOLLOWED,
  },
  {
    key: 'service.kubernetes.io/local-svc-only-bind-node-with-pod',
    on: 'Service',
    status: 'refused',
    what: 'It chooses nodes behind a NodePort (CD1021).',
    insteadUse: 'nothing: Pods are bound wherever they run.',
    test: UNFOLLOWED,
  },
  {
    key: 'service.cloud.tencent.com/local-svc-weighted-balance',
    on: 'Service',
    status: 'refused',
    what: 'It gives weights to nodes behind a NodePort (CD1021).',
    insteadUse: '`service.cloud.tencent.com/custom-weight` on Pods.',
    test: UNFOLLOWED,
  },
  {
    key: 'service.cloud.tencent.com/cross-region-id',
    on: 'Service',
    status: 'refused',
    what: 'A new Service is not served, rather than by a load balancer elsewhere than asked for (CD1021).',
    insteadUse: "a load balancer of the cluster's region and VPC.",
    test: `${REFUSALS} > is refused when %s asks for it, and none is made here in its place`,
  },
  {
    key: 'service.cloud.tencent.com/cross-vpc-id',
    on: 'Service',
    status: 'refused',
    what: 'A new Service is not served, rather than by a load balancer elsewhere than asked for (CD1021).',
    insteadUse: "a load balancer of the cluster's region and VPC.",
    test: `${REFUSALS} > is refused when %s asks for it, and none is made here in its place`,
  },
  {
    key: 'service.cloud.tencent.com/client-token',
    on: 'Service',
    status: 'read-only',
    what: "TKE's own. What makes our creations repeatable follows from the UID of the Service.",
    test: SILENT,
  },
  {
    key: 'service.kubernetes.io/loadbalance-nat-ipv6',
    on: 'Service',
    status: 'read-only',
    what: "A marker of TKE's own; the same holds for `service.kubernetes.io/loadbalance-nat-ipv6-id`.",
    test: SILENT,
  },
  {
    key: 'service.kubernetes.io/loadbalance-type',
    on: 'Service',
    status: 'ignored',
    what: 'Out of use with TKE, too.',
    test: SILENT,
  },
];

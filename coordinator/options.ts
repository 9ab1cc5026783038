import { INSTANCE_OPTIONS } from '../common/instance-options.ts';
import { address, choice, choices, flag, integer, type OptionValues, text } from '../common/options.ts';
import { DEFAULT_ENDPOINT } from './cloud/sdk-transport.ts';
import { COORDINATOR_MODES } from './coordinator-mode.ts';
import { NODE_SIGN_KINDS } from './core/node-sign.ts';
import { ELECTION_DEFAULTS } from './kube/leader-election/election-options.ts';
import { PARTS_MAX } from './webhook/configuration.ts';
import { HOOK_MODES } from './webhook/hook-choice.ts';

const SECONDS_MAX = 3_600;

/** What `clb-direct coordinator` takes on its command line. Cloud credentials come from the environment alone. */
export const COORDINATOR_OPTIONS = {
  mode: choice({
    description: 'observe: works everything out and tells it, and writes nothing, to the cluster or to CLB',
    values: COORDINATOR_MODES,
    default: 'active',
  }),
  region: text({ description: 'region of the load balancers', placeholder: 'REGION', required: true }),
  vpcId: text({ description: 'VPC of the cluster; load balancers are made in it', placeholder: 'ID', required: true }),
  clusterName: text({
    description: 'tells clusters apart that share a load balancer; part of every mark',
    placeholder: 'NAME',
    default: 'default',
  }),
  ...INSTANCE_OPTIONS,
  clbEndpoint: text({
    description: 'scheme://host[:port] of the CLB API',
    placeholder: 'URL',
    default: DEFAULT_ENDPOINT,
  }),
  kubeconfig: text({
    description: "kubeconfig; without it the Pod's own account",
    placeholder: 'FILE',
    optional: true,
  }),
  namespace: text({ description: 'namespace of the coordinators', placeholder: 'NAME', default: 'clb-direct' }),
  podName: text({ description: 'name of this replica', placeholder: 'NAME', required: true }),
  podUid: text({ description: 'UID of this Pod, for the lease', placeholder: 'UID', required: true }),
  agentServiceAccount: text({
    description: 'ServiceAccount of the agents, in the same namespace',
    placeholder: 'NAME',
    default: 'clb-direct-agent',
  }),
  existingLoadBalancers: choice({
    description: 'load balancers that Services may use by id; tagged: only where the tag clb-direct-allow lists them',
    values: ['any', 'tagged'],
    default: 'any',
  }),
  tlsSecret: text({
    description:
      'Secret with tls.crt, tls.key and ca.crt to serve, only read; without it certificates are made and renewed',
    placeholder: 'NAME',
    optional: true,
  }),
  grpcListen: address({ description: 'where agents report', default: '0.0.0.0:9443' }),
  webhookListen: address({ description: 'where Pods are admitted', default: '0.0.0.0:9444' }),
  httpListen: address({ description: 'where metrics, health and the status page are served', default: '0.0.0.0:9442' }),
  leaseDurationMs: integer({
    description: 'how long a silent leader keeps the lease',
    default: ELECTION_DEFAULTS.leaseDurationMs,
  }),
  renewDeadlineMs: integer({
    description: 'how long a leader goes on without a renewal',
    default: ELECTION_DEFAULTS.renewDeadlineMs,
  }),
  retryPeriodMs: integer({ description: 'between two tries for the lease', default: ELECTION_DEFAULTS.retryPeriodMs }),
  settleSeconds: integer({
    description: 'new connections may still arrive for so long after weight 0 was read back',
    default: 2,
    maximum: SECONDS_MAX,
  }),
  liveGate: flag({
    description: 'an open readiness gate shuts again when CLB finds its Pod unhealthy, within the brake',
    default: false,
  }),
  stuckGateSeconds: integer({
    description:
      'a readiness gate that waits longer for its load balancer is told on Pod and owner, with the cause; 0: never',
    default: 300,
    maximum: 86_400,
  }),
  openStuckGatesSeconds: integer({
    description: 'a readiness gate that waits longer for its load balancer is opened all the same; 0: never',
    default: 0,
    maximum: 86_400,
  }),
  drainNodeOn: choices({
    description: "what announces a node's end and takes its targets to weight 0 ahead of the evictions",
    values: NODE_SIGN_KINDS,
    default: ['shutdown', 'spot-termination', 'to-be-deleted'],
  }),
  nodeWatchAfterMs: integer({
    description: 'a node whose agent is missing for so long is watched by the coordinator itself',
    default: 20_000,
    maximum: SECONDS_MAX * 1_000,
  }),
  healthCheckIntervalSeconds: integer({
    description: 'health check of listeners that are made: interval',
    default: 5,
    minimum: 2,
    maximum: 300,
  }),
  healthCheckThreshold: integer({
    description: 'health check of listeners that are made: checks in a row that turn a target healthy or unhealthy',
    default: 3,
    minimum: 2,
    maximum: 10,
  }),
  injectAlways: flag({ description: 'gate and hook for every Pod, for clusters of VPC-CNI alone', default: false }),
  webhook: flag({
    description:
      'whether the API server sends new Pods here for gate and hook; without it, clb-direct inject adds them to manifests',
    default: true,
  }),
  webhookParts: integer({
    description:
      "how many ports of the webhook's Service lead to other coordinators each; the API server asks one after the other",
    default: 2,
    minimum: 1,
    maximum: PARTS_MAX,
  }),
  hookMode: choice({
    description:
      'how preStop hooks of the webhook reach the drain; loopback: for nodes that may not redirect; sleep: not at all, they wait as long as drains took',
    values: HOOK_MODES,
    default: 'redirect',
  }),
  logLevel: choice({
    description: 'lowest level that is logged',
    values: ['debug', 'info', 'warn', 'error'],
    default: 'info',
  }),
};

export type CoordinatorOptionValues = OptionValues<typeof COORDINATOR_OPTIONS>;

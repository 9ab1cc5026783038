import { INSTANCE_OPTIONS } from '../common/instance-options.ts';
import { address, choice, flag, integer, type OptionValues, text } from '../common/options.ts';
import { DEFAULT_HOOK_CALLS_MAX } from './agent.ts';
import { DEFAULT_DRAIN_LIMITS } from './drain/drain-limits.ts';
import { DEFAULT_PROBE_CIDRS } from './node/probe-networks.ts';
import { RUNTIME_CHOICES } from './runtime/runtime-choice.ts';

const SECONDS_MAX = 86_400;

/** What `clb-direct agent` takes on its command line. */
export const AGENT_OPTIONS = {
  check: flag({ description: 'print what the agent can and cannot see on this node, and end', default: false }),
  nodeName: text({ description: 'this node, as spec.nodeName of its Pods says', placeholder: 'NAME', required: true }),
  coordinator: address({ description: 'the coordinators; the name is looked up for all addresses', required: true }),
  coordinatorCaFile: text({ description: 'authority of the coordinators', placeholder: 'FILE', required: true }),
  tokenFile: text({
    description: 'ServiceAccount token with audience clb-direct, bound to this Pod',
    placeholder: 'FILE',
    default: '/var/run/secrets/clb-direct/token',
  }),
  ...INSTANCE_OPTIONS,
  kubeconfig: text({
    description: "kubeconfig; without it the Pod's own account",
    placeholder: 'FILE',
    optional: true,
  }),
  redirect: choice({
    description:
      'what leads preStop calls to the agent; off: only those with a token, at the hook port of 127.0.0.1; auto: what the node has',
    values: ['auto', 'nft', 'iptables-nft', 'iptables-legacy', 'off'],
    default: 'auto',
  }),
  removeRedirect: flag({ description: 'remove the redirect from this node, and end', default: false }),
  drainListen: address({
    description: 'where preStop calls arrive; without it a free loopback port, the hook port with --redirect off',
    optional: true,
  }),
  httpListen: address({ description: 'where /metrics and /healthz are served', default: '0.0.0.0:19441' }),
  healthSocket: text({
    description: 'unix socket of this Pod alone where /livez and /readyz are served; without it nowhere',
    placeholder: 'FILE',
    optional: true,
  }),
  runtime: choice({
    description: 'whose events tell of container exits: auto asks the socket, none leaves them to the Pod watch',
    values: RUNTIME_CHOICES,
    default: 'auto',
  }),
  runtimeSocket: text({
    description: "the container runtime's socket; mount its folder, not the file, which a restart replaces",
    placeholder: 'FILE',
    default: '/run/containerd/containerd.sock',
  }),
  procRoot: text({ description: "the host's /proc", placeholder: 'FOLDER', default: '/proc' }),
  nftCommand: text({ description: 'program that takes the redirect rule', placeholder: 'FILE', default: 'nft' }),
  nodeAddress: text({
    description: 'addresses of this node, separated by commas; without it those of its interfaces',
    placeholder: 'IP,IP',
    optional: true,
  }),
  pureVpcCni: choice({
    description:
      'whether a Pod without any mark has an elastic network interface; auto: where the node offers them and its podCIDR does not hold the address',
    values: ['auto', 'true', 'false'],
    default: 'auto',
  }),
  dbusSocket: text({
    description: "the machine's system bus, which announces its shutdown; mount its folder; none: not listened to",
    placeholder: 'FILE',
    default: '/run/dbus/system_bus_socket',
  }),
  metadataAddress: text({
    description: "the cloud's metadata service, which announces that it takes a spot instance back; none: not asked",
    placeholder: 'HOST[:PORT]',
    default: 'metadata.tencentyun.com',
  }),
  probeCidrs: text({
    description: 'networks in which coordinators may ask for probes, separated by commas',
    placeholder: 'CIDR,CIDR',
    default: DEFAULT_PROBE_CIDRS,
  }),
  drainSeconds: integer({
    description: 'drain budget of a Pod that names none',
    default: DEFAULT_DRAIN_LIMITS.drainSecondsDefault,
    maximum: SECONDS_MAX,
  }),
  drainSecondsMax: integer({
    description: 'largest drain budget a Pod may name',
    default: DEFAULT_DRAIN_LIMITS.drainSecondsMax,
    maximum: SECONDS_MAX,
  }),
  restartDrainSeconds: integer({
    description: 'how long the restart of a container is held at most',
    default: DEFAULT_DRAIN_LIMITS.restartHoldMs / 1_000,
    maximum: SECONDS_MAX,
  }),
  idleConnections: flag({
    description: 'do not wait for idle connections; needs ss, nsenter, CAP_SYS_ADMIN and CAP_SYS_PTRACE',
    default: false,
  }),
  udpQuietSeconds: integer({
    description: 'wait for the last UDP answers after settling',
    default: DEFAULT_DRAIN_LIMITS.udpQuietMs / 1_000,
    maximum: SECONDS_MAX,
  }),
  coordinatorAbsentMs: integer({
    description: 'without any coordinator for so long, preStop is answered',
    default: DEFAULT_DRAIN_LIMITS.coordinatorAbsentMs,
  }),
  leaderAnswerMs: integer({
    description: 'with coordinators of which none takes a drain for so long, preStop is answered',
    default: DEFAULT_DRAIN_LIMITS.leaderAnswerMs,
  }),
  hookCallsMax: integer({
    description: 'preStop calls held at one moment',
    default: DEFAULT_HOOK_CALLS_MAX,
    minimum: 1,
    maximum: 4_096,
  }),
  logLevel: choice({
    description: 'lowest level that is logged',
    values: ['debug', 'info', 'warn', 'error'],
    default: 'info',
  }),
};

/** Of `--remove-redirect`, which needs nothing but the node: all are known, none is required. */
export const REMOVAL_OPTIONS = Object.fromEntries(
  Object.entries(AGENT_OPTIONS).map(([key, option]) => [key, { ...option, isRequired: false }]),
) as Pick<typeof AGENT_OPTIONS, 'removeRedirect' | 'procRoot' | 'nftCommand' | 'instance' | 'hookPort'>;

export type AgentOptionValues = OptionValues<typeof AGENT_OPTIONS>;

import { TOKEN_AUDIENCE } from '../../common/names.ts';
import type { KubeletNode } from '../kube/kubelet/kubelet-context.ts';
import { CLB_ACCOUNT } from './clb-process.ts';
import type { Manifest } from './manifest.ts';

export const PRODUCT_NAMESPACE = 'clb-direct';
/** One Deployment for each part of the coordinators, and the name of its port where Pods are admitted. */
const PARTS = [
  { deployment: 'coordinator', port: 'webhook' },
  { deployment: 'coordinator-second', port: 'webhook-second' },
] as const;
export const COORDINATOR_DEPLOYMENTS = PARTS.map(({ deployment }) => deployment);
export const COORDINATOR_REPLICAS = PARTS.length;
export const STATUS_PORT = 9442;
export const REPORT_PORT = 9443;
const WEBHOOK_PORT = 9444;
const AGENT_METRICS_PORT = 19441;
const IMAGE = 'clb-direct:dev';
const LABELS = { 'app.kubernetes.io/name': 'clb-direct' };
const COORDINATOR_LABELS = { ...LABELS, 'app.kubernetes.io/component': 'coordinator' };
const ACCESS_FOLDER = '/var/run/clb-direct/access';
const REPORT_FOLDER = '/var/run/clb-direct/report';
const RUNTIME_FOLDER = '/run/containerd';
const AUTHORITY_FOLDER = '/etc/clb-direct/ca';

/** Where clb-direct's processes call instead. */
export interface ProductRoutes {
  /** `$(POD_IP)` in it is the calling coordinator's own address. */
  readonly clbEndpoint: string;
  /** At each coordinator's address, for the agents. */
  readonly reportPort: number;
}

export interface ProductOptions {
  readonly nodes: readonly KubeletNode[];
  readonly clbEndpoint: string;
  readonly apiServerUrl: string;
  readonly apiServerAuthorityPem: string;
  readonly healthCheckSeconds: number;
  readonly healthCheckThreshold: number;
  readonly routes?: ProductRoutes;
}

/** clb-direct as it is installed in the sandbox: what a chart would install, with static Pods for its DaemonSet. */
export function productManifests(options: ProductOptions): Manifest[] {
  return [
    { apiVersion: 'v1', kind: 'Namespace', metadata: { name: PRODUCT_NAMESPACE } },
    ...['clb-direct-coordinator', 'clb-direct-agent'].map(name => inNamespace('v1', 'ServiceAccount', { name })),
    // A leader waits before it leads by a lease that nobody made for it.
    inNamespace('coordination.k8s.io/v1', 'Lease', { name: 'clb-direct' }),
    kubeconfig(options),
    reportService(),
    webhookService(),
    ...PARTS.map(part => coordinator(part, options)),
    ...options.nodes.map(node => agent(node, options.routes?.reportPort ?? REPORT_PORT)),
  ];
}

function inNamespace(apiVersion: string, kind: string, metadata: { name: string }, rest: object = {}): Manifest {
  return { apiVersion, kind, metadata: { ...metadata, namespace: PRODUCT_NAMESPACE, labels: LABELS }, ...rest };
}

/** The token beside it is projected and renewed by the kubelet. JSON is YAML too. */
function kubeconfig({ apiServerUrl, apiServerAuthorityPem }: ProductOptions): Manifest {
  const name = 'sandbox';
  const authority = Buffer.from(apiServerAuthorityPem).toString('base64');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: apiServerUrl, 'certificate-authority-data': authority } }],
    users: [{ name, user: { tokenFile: 'token' } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
  return inNamespace('v1', 'ConfigMap', { name: 'kubeconfig' }, { data: { kubeconfig: JSON.stringify(config) } });
}

function reportService(): Manifest {
  const ports = [{ name: 'tls', port: REPORT_PORT, targetPort: REPORT_PORT, protocol: 'TCP' }];
  return service('clb-direct-coordinator', { ports, publishNotReadyAddresses: true });
}

/** Each port leads to the coordinators of one part. */
function webhookService(): Manifest {
  const ports = PARTS.map(({ port: name }, index) => {
    return { name, port: WEBHOOK_PORT + index, targetPort: name, protocol: 'TCP' };
  });
  return service('clb-direct-webhook', { ports });
}

function service(name: string, spec: object): Manifest {
  return inNamespace('v1', 'Service', { name }, { spec: { clusterIP: 'None', selector: COORDINATOR_LABELS, ...spec } });
}

const FIELD_VARIABLES = [
  ['POD_NAME', 'metadata.name'],
  ['POD_UID', 'metadata.uid'],
  ['POD_IP', 'status.podIP'],
  ['NODE_NAME', 'spec.nodeName'],
  ['NODE_IP', 'status.hostIP'],
].map(([name = '', fieldPath = '']) => ({ name, valueFrom: { fieldRef: { fieldPath } } }));

/** What both processes reach the API server with. */
const ACCESS_VOLUME = {
  name: 'access',
  projected: { sources: [{ serviceAccountToken: { path: 'token' } }, { configMap: { name: 'kubeconfig' } }] },
};

function coordinator(part: (typeof PARTS)[number], options: ProductOptions): Manifest {
  const { clbEndpoint, healthCheckSeconds, healthCheckThreshold, routes } = options;
  const container = {
    name: 'coordinator',
    image: IMAGE,
    args: [
      'coordinator',
      `--region=${CLB_ACCOUNT.region}`,
      `--vpc-id=${CLB_ACCOUNT.vpcId}`,
      `--clb-endpoint=${routes?.clbEndpoint ?? clbEndpoint}`,
      `--kubeconfig=${ACCESS_FOLDER}/kubeconfig`,
      '--pod-name=$(POD_NAME)',
      '--pod-uid=$(POD_UID)',
      `--grpc-listen=$(POD_IP):${REPORT_PORT}`,
      `--webhook-listen=$(POD_IP):${WEBHOOK_PORT}`,
      `--http-listen=$(POD_IP):${STATUS_PORT}`,
      `--health-check-interval-seconds=${healthCheckSeconds}`,
      `--health-check-threshold=${healthCheckThreshold}`,
    ],
    env: [
      ...FIELD_VARIABLES,
      { name: 'TENCENTCLOUD_SECRET_ID', value: CLB_ACCOUNT.secretId },
      { name: 'TENCENTCLOUD_SECRET_KEY', value: CLB_ACCOUNT.secretKey },
    ],
    ports: [{ name: part.port, containerPort: WEBHOOK_PORT }],
    readinessProbe: { httpGet: { port: STATUS_PORT, path: '/readyz' }, periodSeconds: 1 },
    volumeMounts: [{ name: 'access', mountPath: ACCESS_FOLDER }],
  };
  const spec = { serviceAccountName: 'clb-direct-coordinator', containers: [container], volumes: [ACCESS_VOLUME] };
  const labels = { ...COORDINATOR_LABELS, deployment: part.deployment };
  const deployment = { replicas: 1, selector: { matchLabels: labels }, template: { metadata: { labels }, spec } };
  return inNamespace('apps/v1', 'Deployment', { name: part.deployment }, { spec: deployment });
}

/** A static Pod (the mirror annotation), which kubectl drain leaves alone as it does a DaemonSet's. */
function agent({ name }: KubeletNode, reportPort: number): Manifest {
  const container = {
    name: 'agent',
    image: IMAGE,
    args: [
      'agent',
      '--node-name=$(NODE_NAME)',
      '--node-address=$(NODE_IP)',
      `--coordinator=clb-direct-coordinator.${PRODUCT_NAMESPACE}.svc:${reportPort}`,
      `--coordinator-ca-file=${AUTHORITY_FOLDER}/ca.crt`,
      `--token-file=${REPORT_FOLDER}/token`,
      `--kubeconfig=${ACCESS_FOLDER}/kubeconfig`,
      // The node's network redirects to its own address, not to one of the loopback that all nodes share.
      '--drain-listen=$(NODE_IP):0',
      `--http-listen=$(NODE_IP):${AGENT_METRICS_PORT}`,
      '--proc-root=/host/proc',
      `--runtime-socket=${RUNTIME_FOLDER}/containerd.sock`,
      // The machine under the sandbox is no node of it, and not asked about one's end.
      '--dbus-socket=none',
      '--metadata-address=none',
    ],
    env: FIELD_VARIABLES,
    readinessProbe: { httpGet: { port: AGENT_METRICS_PORT, path: '/healthz' }, periodSeconds: 1 },
    volumeMounts: [
      { name: 'access', mountPath: ACCESS_FOLDER },
      { name: 'report', mountPath: REPORT_FOLDER },
      { name: 'authority', mountPath: AUTHORITY_FOLDER },
      { name: 'proc', mountPath: '/host/proc' },
      { name: 'runtime', mountPath: RUNTIME_FOLDER },
    ],
  };
  const reportToken = { path: 'token', audience: TOKEN_AUDIENCE };
  const volumes = [
    ACCESS_VOLUME,
    { name: 'report', projected: { sources: [{ serviceAccountToken: reportToken }] } },
    { name: 'authority', configMap: { name: 'clb-direct-ca' } },
    { name: 'proc', hostPath: { path: '/proc' } },
    // The folder, not the socket: a runtime that starts again makes a new one.
    { name: 'runtime', hostPath: { path: RUNTIME_FOLDER } },
  ];
  const spec = {
    nodeName: name,
    hostNetwork: true,
    serviceAccountName: 'clb-direct-agent',
    tolerations: [{ operator: 'Exists' }],
    containers: [container],
    volumes,
  };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `agent-${name}`,
      namespace: PRODUCT_NAMESPACE,
      labels: { ...LABELS, 'app.kubernetes.io/component': 'agent' },
      annotations: { 'kubernetes.io/config.mirror': 'sandbox' },
    },
    spec,
  };
}

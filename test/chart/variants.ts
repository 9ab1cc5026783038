/** Values that turn each switch of the chart the other way, one at a time. */
export const variants: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  defaults: {},
  'one replica': { coordinator: { replicas: 1 } },
  'no budget for disruptions': { coordinator: { podDisruptionBudget: { enabled: false } } },
  'a role': {
    cloud: { credentials: { existingSecret: '' } },
    coordinator: { serviceAccount: { annotations: { role: 'r' } } },
  },
  'an image by digest': { image: { digest: `sha256:${'0'.repeat(64)}`, pullSecrets: ['pull'] } },
  'no redirect': { agent: { redirect: { enabled: false } } },
  'no runtime events': { agent: { runtimeEvents: { enabled: false } } },
  'no connections': { agent: { connections: { enabled: false } } },
  'idle connections ignored': { agent: { connections: { ignoreIdle: true } } },
  'no shutdown notice': { agent: { shutdownNotice: { enabled: false } } },
  'no spot notice': { agent: { spotNotice: { enabled: false } } },
  'every host access off': {
    agent: {
      redirect: { enabled: false },
      runtimeEvents: { enabled: false },
      connections: { enabled: false },
      shutdownNotice: { enabled: false },
      spotNotice: { enabled: false },
    },
  },
  'a second instance': { instance: { name: 'inner' }, agent: { hookPort: 19_450, metricsPort: 19_451 } },
  'every Pod': { webhook: { injectAlways: true } },
  'no webhook': { webhook: { enabled: false } },
  'a certificate of the user': { certificates: { existingSecret: 'tls' } },
  'a certificate of cert-manager': {
    certificates: {
      existingSecret: 'tls',
      certManager: { enabled: true, issuerRef: { name: 'ca', kind: 'ClusterIssuer' } },
    },
  },
  'hooks that sleep': { webhook: { hookMode: 'sleep' } },
  alerts: { metrics: { rules: { enabled: true, labels: { release: 'prometheus' } } } },
  'no IngressClass': { ingressClass: { enabled: false } },
  'the default IngressClass': { ingressClass: { default: true } },
  'no CRD': { tkeServiceConfig: { crd: false } },
  'no scraping': { metrics: { scrapeAnnotations: false } },
  PodMonitors: { metrics: { podMonitors: { enabled: true, labels: { release: 'prometheus' } } } },
  'network policies': { networkPolicy: { enabled: true, metricsFrom: [{ namespaceSelector: {} }] } },
  dashboards: { metrics: { dashboards: { enabled: true } } },
  'no release': { release: { enabled: false } },
  'nodes chosen': {
    coordinator: { nodeSelector: { a: 'b' }, tolerations: [{ operator: 'Exists' }], affinity: { nodeAffinity: {} } },
    agent: { nodeSelector: { a: 'b' }, dnsPolicy: 'None', dnsConfig: { nameservers: ['10.0.0.10'] } },
  },
  'Pods marked': {
    coordinator: {
      podAnnotations: { a: 'b' },
      podLabels: { c: 'd' },
      extraArgs: ['--settle-seconds=3'],
      extraEnv: [{ name: 'A', value: 'b' }],
    },
    agent: { podAnnotations: { a: 'b' }, podLabels: { c: 'd' }, extraArgs: ['--udp-quiet-seconds=3'] },
  },
};

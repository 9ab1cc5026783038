import type { CompatibilityRow } from './compatibility-row.ts';

const CONFIG = 'test/compatibility/tke-service-config.test.ts';

/** Fields of TkeServiceConfigs. */
export const TKE_SERVICE_CONFIG_ROWS: readonly CompatibilityRow[] = [
  {
    key: 'spec.loadBalancer.l4Listeners[].session',
    on: 'TkeServiceConfig',
    status: 'done',
    what: "30 to 3600 s by the client's address.",
    test: `${CONFIG} > has its listeners made as l4Listeners says`,
  },
  {
    key: 'spec.loadBalancer.l4Listeners[].healthCheck',
    on: 'TkeServiceConfig',
    status: 'done',
    what: 'Interval, time-out (less than the interval), thresholds, type, port, source of the probes, and the HTTP fields.',
    test: `${CONFIG} > has its listeners made as l4Listeners says`,
  },
  {
    key: 'spec.loadBalancer.l4Listeners[].scheduler',
    on: 'TkeServiceConfig',
    status: 'done',
    what: 'WRR or LEAST_CONN.',
    test: `${CONFIG} > has them changed in place when it changes, and keeps what it no longer says`,
  },
  {
    key: 'spec.loadBalancer.l4Listeners[].deregisterTargetRst',
    on: 'TkeServiceConfig',
    status: 'done',
    what: 'Connections of a target that is deregistered are reset.',
    test: `${CONFIG} > has its listeners made as l4Listeners says`,
  },
  {
    key: 'spec.loadBalancer.l7Listeners[].defaultServer',
    on: 'TkeServiceConfig',
    status: 'done',
    what: "The default domain of the listener; empty: the load balancer's own address.",
    test: `${CONFIG} > has its listeners and rules as l7Listeners says`,
  },
  {
    key: 'spec.loadBalancer.l7Listeners[].keepaliveEnable',
    on: 'TkeServiceConfig',
    status: 'done',
    what: 'Connections to targets are kept.',
    test: `${CONFIG} > has its listeners and rules as l7Listeners says`,
  },
  {
    key: 'spec.loadBalancer.l7Listeners[].snatEnable',
    on: 'TkeServiceConfig',
    status: 'done',
    what: "Targets see an address of CLB instead of the client's.",
    test: `${CONFIG} > has the source addresses of its requests translated by snatEnable`,
  },
  {
    key: 'spec.loadBalancer.l7Listeners[].listenerName',
    on: 'TkeServiceConfig',
    status: 'ignored',
    what: 'The name of a listener tells whose it is.',
    insteadUse: 'nothing.',
    test: `${CONFIG} > has the source addresses of its requests translated by snatEnable`,
  },
  {
    key: 'spec.loadBalancer.l7Listeners[].domains[].http2',
    on: 'TkeServiceConfig',
    status: 'done',
    what: 'HTTP/2, on HTTPS.',
    test: `${CONFIG} > has its listeners and rules as l7Listeners says`,
  },
  {
    key: 'spec.loadBalancer.l7Listeners[].domains[].rules[].forwardType',
    on: 'TkeServiceConfig',
    status: 'done',
    what: 'What CLB speaks to the Pods: HTTP or HTTPS. GRPC is passed on to CLB and was never tried.',
    test: `${CONFIG} > has its listeners and rules as l7Listeners says`,
  },
  {
    key: 'spec.loadBalancer.l7Listeners[].domains[].rules[].session',
    on: 'TkeServiceConfig',
    status: 'done',
    what: '30 to 86400 s by cookie.',
    test: `${CONFIG} > has its listeners and rules as l7Listeners says`,
  },
  {
    key: 'spec.loadBalancer.l7Listeners[].domains[].rules[].healthCheck',
    on: 'TkeServiceConfig',
    status: 'done',
    what: 'As on layer 4, with path, host, method and statuses.',
    test: `${CONFIG} > has its listeners and rules as l7Listeners says`,
  },
  {
    key: 'spec.loadBalancer.l7Listeners[].domains[].rules[].scheduler',
    on: 'TkeServiceConfig',
    status: 'done',
    what: 'WRR, LEAST_CONN or IP_HASH.',
    test: `${CONFIG} > has its listeners and rules as l7Listeners says`,
  },
  {
    key: 'spec.loadBalancer.internetMaxBandwidthOut',
    on: 'TkeServiceConfig',
    status: 'done',
    what: 'Mbps of a public load balancer that was made for the object, unless the object says it.',
    test: `${CONFIG} > gives a public load balancer its bandwidth`,
  },
];

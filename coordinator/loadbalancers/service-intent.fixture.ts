import type { ServiceIntent } from './service-intent.ts';

/** Service `default/web`, finalized and held, with a load balancer of its own to be made and no ports. */
export function serviceIntent(fields: Partial<ServiceIntent> = {}): ServiceIntent {
  return {
    service: { namespace: 'default', name: 'web', uid: 'service-uid' },
    leaving: false,
    finalized: true,
    held: true,
    createdAt: '2026-01-01T00:00:00Z',
    loadBalancer: { kind: 'created', subnetId: undefined },
    recorded: [],
    adopts: false,
    adopted: [],
    rules: [],
    problems: [],
    ...fields,
  };
}

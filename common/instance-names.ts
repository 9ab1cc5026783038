import {
  ADOPTED_LISTENERS_ANNOTATION,
  FINALIZER,
  HOOK_PORT,
  INGRESS_CLASS,
  LOAD_BALANCER_CLASS,
  LOAD_BALANCERS_ANNOTATION,
  READINESS_GATE,
} from './names.ts';

/** The words by which instances of clb-direct in one cluster keep apart; each has a namespace of its own, too. */
export interface InstanceNames {
  /** Empty for the default instance, the only one that serves objects without a class. */
  readonly name: string;
  readonly loadBalancerClass: string;
  readonly ingressClass: string;
  readonly readinessGate: string;
  readonly finalizer: string;
  readonly loadBalancersAnnotation: string;
  readonly adoptedListenersAnnotation: string;
  readonly webhookConfiguration: string;
  /** The nft table of the redirect on a node. */
  readonly redirectTable: string;
  /** The chain of the redirect, where it stands in iptables. */
  readonly redirectChain: string;
  /** The port that preStop hooks call. */
  readonly hookPort: number;
}

export const DEFAULT_INSTANCE: InstanceNames = {
  name: '',
  loadBalancerClass: LOAD_BALANCER_CLASS,
  ingressClass: INGRESS_CLASS,
  readinessGate: READINESS_GATE,
  finalizer: FINALIZER,
  loadBalancersAnnotation: LOAD_BALANCERS_ANNOTATION,
  adoptedListenersAnnotation: ADOPTED_LISTENERS_ANNOTATION,
  webhookConfiguration: 'clb-direct',
  redirectTable: 'clb_direct',
  redirectChain: 'CLB-DIRECT',
  hookPort: HOOK_PORT,
};

/** So long that the name of a chain of iptables, 28 characters at most, has room for it. */
const NAME = /^[a-z]([a-z0-9-]{0,14}[a-z0-9])?$/;

/**
 * The names of an instance; without a name those of the default one.
 * @throws RangeError when they would be those of another instance
 */
export function instanceNames({ name, hookPort }: Pick<InstanceNames, 'name' | 'hookPort'>): InstanceNames {
  if (name === '') return { ...DEFAULT_INSTANCE, hookPort };
  if (!NAME.test(name)) {
    throw new RangeError(`--instance: '${name}' is not a word of at most 16 small letters, digits and dashes`);
  }
  if (hookPort === HOOK_PORT) {
    throw new RangeError(`--hook-port: instance '${name}' needs a port of its own, for ${HOOK_PORT} is the default's`);
  }
  const own = (word: string) => `${word}-${name}`;
  const { redirectTable, redirectChain, webhookConfiguration } = DEFAULT_INSTANCE;
  return {
    name,
    loadBalancerClass: own(LOAD_BALANCER_CLASS),
    ingressClass: own(INGRESS_CLASS),
    readinessGate: own(READINESS_GATE),
    finalizer: own(FINALIZER),
    loadBalancersAnnotation: own(LOAD_BALANCERS_ANNOTATION),
    adoptedListenersAnnotation: own(ADOPTED_LISTENERS_ANNOTATION),
    webhookConfiguration: own(webhookConfiguration),
    redirectTable: `${redirectTable}_${name.replaceAll('-', '_')}`,
    redirectChain: `${redirectChain}-${name.toUpperCase()}`,
    hookPort,
  };
}

/** Whether the condition type is the readiness gate of any instance: none of them waits for another's. */
export function isOurGate(conditionType: string): boolean {
  return conditionType === READINESS_GATE || conditionType.startsWith(`${READINESS_GATE}-`);
}

import { type PodRecord, Protocol } from '../../common/pod-record.ts';
import { isSelected } from './selector-index.ts';

/** Whose a rule is. */
export interface RuleOwner {
  /** A Service unless told. */
  readonly kind?: 'Service' | 'Ingress';
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/**
 * One place where Pods can be bound: a Service's port on a listener. On layer 4 a rule is a whole listener; `locationId`
 * names the forwarding rule on layer 7 and is empty here.
 */
export interface Rule {
  /** Stable over the life of the Service: `<service uid>/<protocol>/<port>`, and more where that does not tell rules apart. */
  readonly id: string;
  /** A Service, or an Ingress, whose rules have the selectors of its backend Services. */
  readonly service: RuleOwner;
  readonly protocol: Protocol;
  readonly port: number;
  readonly selector: Readonly<Record<string, string>>;
  /** A number, or the name of a container's port. */
  readonly targetPort: number | string;
  readonly publishNotReadyAddresses: boolean;
  /** What the rule's own user says of weights; a Pod's own annotation goes before it. */
  readonly weights?: RuleWeights;
  /** On layer 7: the host and path of the forwarding rule. Undefined on layer 4, where a rule is a whole listener. */
  readonly forwarding?: Forwarding;
  /** The listener was somebody else's and the user told us to adopt it: its foreign targets stay, its settings too. */
  readonly isAdopted?: boolean;
  /**
   * The user has taken the rule away from this listener: every target of ours leaves it, drained, and floor and brake
   * have no say. It selects no Pod.
   */
  readonly isDeparting?: boolean;
  /** The user has paused the object: no target of the rule is changed. */
  readonly isPaused?: boolean;
  /** Which of the Pod's addresses is bound; IPv4 unless told: a load balancer that is IPv6 to the end wants the other. */
  readonly addressFamily?: 'IPv4' | 'IPv6';
  /** Absent while the load balancer or the listener is still being made. */
  readonly place: RulePlace | undefined;
  /** Set when CLB refuses the rule: it is left out of gates, so that it harms only itself (laws L3 and L10). */
  readonly refusal: string | undefined;
}

export interface RuleWeights {
  /** 0 to 100, of Pods that are not named. */
  readonly byDefault?: number;
  /** 0 to 100. */
  readonly byPodName: Readonly<Record<string, number>>;
}

export interface Forwarding {
  readonly scheme: 'HTTP' | 'HTTPS';
  readonly domain: string;
  readonly url: string;
}

export interface RulePlace {
  readonly loadBalancerId: string;
  readonly listenerId: string;
  readonly locationId: string;
}

/** Whether the rule's selector picks the Pod. A Service without a selector picks none. */
export function selects(rule: Pick<Rule, 'service' | 'selector'>, pod: PodRecord): boolean {
  return isSelected({ namespace: rule.service.namespace, selector: rule.selector }, pod);
}

/** The Pod's own port behind the rule, or undefined when no container has a port of that name. */
export function targetPortOf(rule: Rule, pod: PodRecord): number | undefined {
  if (typeof rule.targetPort === 'number') return rule.targetPort;
  return pod.ports.find(port => port.name === rule.targetPort && port.protocol === rule.protocol)?.port;
}

/** `TCP:80`, as people write it. */
export function ruleLabel(rule: Pick<Rule, 'protocol' | 'port'>): string {
  return `${rule.protocol === Protocol.UDP ? 'UDP' : 'TCP'}:${rule.port}`;
}

/**
 * Settings of listeners and forwarding rules, in CLB's own terms. The same types say what somebody wants (a field that is
 * left out is left as it is in CLB, or as CLB makes it) and what CLB tells (a field that is left out was not told).
 */

/** Of a listener. On layer 7 only certificate, keep-alive and SNAT are the listener's own. */
export interface ListenerSettings {
  readonly healthCheck?: HealthCheckSettings;
  /** 0: none. On layer 4 by the client's address, 30 to 3600. */
  readonly sessionSeconds?: number;
  readonly scheduler?: Scheduler;
  /** A TCP port with a certificate is TCP_SSL. On HTTPS of our own making certificates are those of the domains. */
  readonly certificate?: CertificateSettings;
  /** Layer 4: connections of a target that is deregistered are rescheduled at once. */
  readonly deregisterTargetRst?: boolean;
  /** HTTPS: each domain has its own certificate, and the listener none. It cannot be switched off. */
  readonly isSni?: boolean;
  /** Layer 7: connections to targets are kept. */
  readonly keepalive?: boolean;
  readonly snat?: boolean;
}

/** Of a forwarding rule and of its domain. Rules of one domain should agree about the latter: else the first has it. */
export interface ForwardingSettings {
  readonly healthCheck?: HealthCheckSettings;
  /** 0: none. By a cookie, 30 to 86400. */
  readonly sessionSeconds?: number;
  readonly scheduler?: Scheduler;
  /** What CLB speaks to the targets; other than HTTP on HTTPS listeners alone. */
  readonly forwardType?: ForwardType;
  /** Of the domain, on HTTPS. */
  readonly certificate?: CertificateSettings;
  /** Of the domain, on HTTPS. */
  readonly http2?: boolean;
  /** Of the domain: it takes the requests for hosts that no rule has. Only `true` is ever wanted: another takes it over. */
  readonly isDefaultDomain?: boolean;
}

export type Scheduler = 'WRR' | 'LEAST_CONN' | 'IP_HASH';
export type ForwardType = 'HTTP' | 'HTTPS' | 'GRPC' | 'GRPCS';

export interface CertificateSettings {
  /** Of the SSL product; several when they differ in their algorithm. At least one. */
  readonly certificateIds: readonly string[];
  /** Set: clients must show a certificate of this authority. */
  readonly authorityId?: string;
}

/** How CLB finds out whether a target serves. */
export interface HealthCheckSettings {
  readonly enabled?: boolean;
  /** 2 to 300. */
  readonly intervalSeconds?: number;
  /** 2 to 60, less than the interval. */
  readonly timeoutSeconds?: number;
  /** 2 to 10. */
  readonly healthyThreshold?: number;
  /** 2 to 10. */
  readonly unhealthyThreshold?: number;
  readonly checkType?: 'TCP' | 'HTTP' | 'HTTPS' | 'GRPC' | 'PING' | 'CUSTOM';
  /** Layer 4: probed in place of the target's own port; -1: the target's own. */
  readonly checkPort?: number;
  /** 0: probes come from the VIP; 1: from 100.64/10. */
  readonly sourceIpType?: 0 | 1;
  /** The statuses that pass, a bit each: 1 is 1xx, 2 is 2xx, 4 is 3xx, 8 is 4xx, 16 is 5xx. */
  readonly httpCode?: number;
  readonly httpPath?: string;
  readonly httpDomain?: string;
  readonly httpMethod?: 'HEAD' | 'GET';
}

/** A change of what is there already, in one call. What its settings leave out stays. */
export type SettingsChange =
  | {
      readonly kind: 'listener';
      readonly listenerId: string;
      readonly settings: ListenerSettings;
    }
  /** Of the rule itself, not of its domain. */
  | {
      readonly kind: 'rule';
      readonly listenerId: string;
      readonly locationId: string;
      readonly settings: Omit<ForwardingSettings, keyof DomainSettings>;
    }
  | {
      readonly kind: 'domain';
      readonly listenerId: string;
      readonly domain: string;
      readonly settings: DomainSettings;
    };

/** What all rules of a domain share. */
export type DomainSettings = Pick<ForwardingSettings, 'certificate' | 'http2' | 'isDefaultDomain'>;

/** Redirects from rules of one listener to rules of another. At most 49. */
export interface Redirects {
  readonly sourceListenerId: string;
  readonly targetListenerId: string;
  readonly pairs: readonly RedirectPair[];
}

export interface RedirectPair {
  readonly sourceLocationId: string;
  readonly targetLocationId: string;
  /** Of the source. */
  readonly domain: string;
  readonly code: number;
}

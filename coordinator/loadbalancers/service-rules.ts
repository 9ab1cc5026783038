import { Protocol } from '../../common/pod-record.ts';
import type { RuleWeights } from '../core/rule.ts';
import type { ServiceRecord } from '../kube/service-reflector.ts';
import { AnnotationReader } from '../manifests/annotation-reader.ts';
import { readServiceWeights } from '../manifests/rule-weights.ts';
import { readSpecifiedPorts, type SpecifiedPort, type SpecifiedPorts } from '../manifests/specify-protocol.ts';
import type { CertificateSettings } from './listener-settings.ts';
import { type Problem, problem } from './problem.ts';
import type { RuleIntent } from './service-intent.ts';

/** What is known of a Secret with a certificate; undefined while nothing is. */
export type CertificateOf = (namespace: string, secretName: string) => CertificateSettings | 'missing' | undefined;

export interface ServiceRules {
  readonly rules: readonly RuleIntent[];
  readonly problems: readonly Problem[];
}

type Port = ServiceRecord['ports'][number];

/** CLB's own limits of a session on layer 4. */
const SESSION_SECONDS_MIN = 30;
const SESSION_SECONDS_MAX = 3_600;

/** What each port of the Service asks of its load balancer. */
export function serviceRules(service: ServiceRecord, certificateOf: CertificateOf): ServiceRules {
  const reader = new AnnotationReader({ kind: 'Service', ...service });
  const context: Context = { service, reader, certificateOf, weights: readServiceWeights(reader) };
  const specified = readSpecifiedPorts(reader);
  const rules = new Map<string, RuleIntent>();
  for (const port of service.ports) {
    // Two ports of one number, one for each protocol, are one port to the annotation.
    for (const rule of rulesOf(context, port, specified(port.port))) rules.set(rule.id, rule);
  }
  const held = new Set([...rules.values()].map(({ notToMake }) => notToMake));
  const problems = [...reader.problems, ...[...held].filter(why => why !== undefined && why !== 'pending')];
  return { rules: [...rules.values()], problems };
}

interface Context {
  readonly service: ServiceRecord;
  readonly reader: AnnotationReader;
  readonly certificateOf: CertificateOf;
  readonly weights: { of(protocol: Protocol, port: number): RuleWeights | undefined };
}

function rulesOf(context: Context, port: Port, said: ReturnType<SpecifiedPorts>): readonly RuleIntent[] {
  if (said === undefined) return plainRules(context, port);
  if ('protocols' in said) return specifiedRules(context, port, said);
  return (['TCP', 'UDP'] as const).map(protocol => ({ ...layer4Rule(context, port, protocol), notToMake: said }));
}

function plainRules(context: Context, port: Port): readonly RuleIntent[] {
  if (port.protocol !== 'SCTP') return [layer4Rule(context, port, port.protocol ?? 'TCP')];
  context.reader.problems.push(unsupportedProtocol(context.reader.label, port.port));
  return [];
}

function specifiedRules(context: Context, port: Port, said: SpecifiedPort): readonly RuleIntent[] {
  return said.protocols.flatMap(protocol => rulesOfProtocol(context, port, said, protocol));
}

function rulesOfProtocol(
  context: Context,
  port: Port,
  said: SpecifiedPort,
  protocol: SpecifiedPort['protocols'][number],
): readonly RuleIntent[] {
  switch (protocol) {
    case 'TCP':
    case 'UDP':
      return [layer4Rule(context, port, protocol)];
    case 'TCP_SSL': {
      const found = certificateFor(context, port, said.secretName);
      return [
        {
          ...layer4Rule(context, port, 'TCP', found.certificate),
          ...(found.notToMake && { notToMake: found.notToMake }),
        },
      ];
    }
    case 'HTTP':
    case 'HTTPS':
      return layer7Rules(context, port, said, protocol);
  }
}

function layer7Rules(context: Context, port: Port, said: SpecifiedPort, scheme: 'HTTP' | 'HTTPS'): RuleIntent[] {
  const hosts = said.hosts.length > 0 ? said.hosts : [{ host: '', secretName: undefined }];
  return hosts.flatMap(({ host, secretName = said.secretName }) => {
    const found = scheme === 'HTTPS' ? certificateFor(context, port, secretName) : NO_CERTIFICATE;
    const rule = ruleOf(context, port, Protocol.TCP);
    return {
      ...rule,
      id: `${rule.id}/${scheme}/${host}/`,
      forwarding: { scheme, domain: host, url: '/' },
      ...(found.certificate && { forwardingSettings: { certificate: found.certificate } }),
      ...(found.notToMake && { notToMake: found.notToMake }),
    };
  });
}

const NO_CERTIFICATE: FoundCertificate = {};

interface FoundCertificate {
  readonly certificate?: CertificateSettings;
  readonly notToMake?: Problem | 'pending';
}

/** Without its certificate a port is not served: never in plain text. */
function certificateFor(
  { service, reader, certificateOf }: Context,
  { port }: Port,
  secretName = '',
): FoundCertificate {
  const found = certificateOf(service.namespace, secretName);
  if (found === undefined) return { notToMake: 'pending' };
  return found === 'missing' ? { notToMake: noCertificate(reader.label, port, secretName) } : { certificate: found };
}

function layer4Rule(
  context: Context,
  port: Port,
  protocol: 'TCP' | 'UDP',
  certificate?: CertificateSettings,
): RuleIntent {
  const rule = ruleOf(context, port, protocol === 'UDP' ? Protocol.UDP : Protocol.TCP);
  const { affinitySeconds } = context.service;
  const settings = {
    ...(certificate && { certificate }),
    ...(affinitySeconds !== undefined && {
      sessionSeconds: Math.min(Math.max(affinitySeconds, SESSION_SECONDS_MIN), SESSION_SECONDS_MAX),
    }),
  };
  return Object.keys(settings).length > 0 ? { ...rule, listenerSettings: settings } : rule;
}

function ruleOf({ service, weights }: Context, port: Port, protocol: Protocol): RuleIntent {
  const { uid, namespace, name } = service;
  const own = weights.of(protocol, port.port);
  return {
    id: `${uid}/${protocol === Protocol.UDP ? 'UDP' : 'TCP'}/${port.port}`,
    service: { uid, namespace, name },
    protocol,
    port: port.port,
    selector: service.selector,
    targetPort: port.targetPort ?? port.port,
    publishNotReadyAddresses: service.publishNotReadyAddresses,
    ...(own && { weights: own }),
  };
}

function unsupportedProtocol(label: string, port: number): Problem {
  return problem(
    'CD1003',
    `${label}: port ${port} uses SCTP, which CLB does not carry. The other ports are served; remove this one or use TCP ` +
      'or UDP.',
  );
}

function noCertificate(label: string, port: number, secretName: string): Problem {
  return problem(
    'CD1031',
    `${label}: port ${port} takes its certificate from Secret "${secretName}", which is not in the namespace or has no key ` +
      'qcloud_cert_id. The port is not served until it is there; the others are.',
  );
}

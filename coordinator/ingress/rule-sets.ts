import type { IngressRuleRecord } from '../kube/ingress-reflector.ts';
import type { AnnotationReader } from '../manifests/annotation-reader.ts';
import { HTTP_RULES, HTTPS_RULES, RULE_MIX, RULE_MIX_BOTH } from './ingress-annotations.ts';
import { fieldsOf, textOf } from './json-fields.ts';
import { DEFAULT_PORTS, type ListenPort, listenPorts, type Scheme } from './listen-ports.ts';

/** The rules of an Ingress that are for one port. */
export interface RuleSet extends ListenPort {
  readonly rules: readonly IngressRuleRecord[];
}

const RULES_EXAMPLE = '[{"host":"a.com","path":"/","backend":{"serviceName":"web","servicePort":"80"}}]';

/**
 * Which rules are for which port. Plain: all of them for 443 when there are certificates, else for 80; with listen-ports,
 * for every port that it lists. Mixed: as http-rules and https-rules say, one that neither names like a plain one.
 */
export function ruleSets(
  rules: readonly IngressRuleRecord[],
  reader: AnnotationReader,
  { hasCertificates }: { hasCertificates: boolean },
): readonly RuleSet[] {
  const listed = listenPorts(reader);
  const plain: Scheme = hasCertificates ? 'HTTPS' : 'HTTP';
  const portsOf = (scheme: Scheme): readonly ListenPort[] =>
    listed?.filter(port => port.scheme === scheme) ?? [{ scheme, port: DEFAULT_PORTS[scheme] }];
  const both = [...portsOf('HTTP'), ...portsOf('HTTPS')];
  if (reader.flag(RULE_MIX_BOTH)) return both.map(port => ({ ...port, rules }));
  if (!reader.flag(RULE_MIX)) return (listed ?? portsOf(plain)).map(port => ({ ...port, rules }));
  const named = { HTTP: namedRules(HTTP_RULES, rules, reader), HTTPS: namedRules(HTTPS_RULES, rules, reader) };
  const isFor = (scheme: Scheme, rule: IngressRuleRecord) =>
    named[scheme].has(rule) || (scheme === plain && !named.HTTP.has(rule) && !named.HTTPS.has(rule));
  return both.map(port => ({ ...port, rules: rules.filter(rule => isFor(port.scheme, rule)) }));
}

/** Those of the Ingress's rules that the annotation names, by host, path, Service and port. */
function namedRules(
  annotation: string,
  rules: readonly IngressRuleRecord[],
  reader: AnnotationReader,
): ReadonlySet<IngressRuleRecord> {
  const entries = (reader.jsonList(annotation, RULES_EXAMPLE) ?? []).map(entryKey);
  const byKey = Map.groupBy(rules, ruleKey);
  // Those that it has are taken all the same.
  const isKnown = entries.every(entry => entry !== undefined && byKey.has(entry));
  if (!isKnown) reader.malformed(annotation, `it takes rules that the Ingress has, like ${RULES_EXAMPLE}`);
  return new Set(entries.flatMap(entry => (entry === undefined ? [] : (byKey.get(entry) ?? []))));
}

function ruleKey({ host, path, backend }: IngressRuleRecord): string {
  return [host, path || '/', backend.serviceName, backend.port].join('|');
}

/** In the spelling of the older Ingress API, which TKE keeps there, or in that of `spec.rules`. */
function entryKey(entry: unknown): string | undefined {
  const { host, path, backend } = fieldsOf(entry);
  const { serviceName, servicePort, service } = fieldsOf(backend);
  const { name, port } = fieldsOf(service);
  const { number, name: portName } = fieldsOf(port);
  const backendName = textOf(serviceName ?? name);
  if (!backendName) return undefined;
  return [textOf(host), textOf(path) || '/', backendName, textOf(servicePort ?? portName ?? number)].join('|');
}

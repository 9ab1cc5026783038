import { Protocol } from '../../common/pod-record.ts';
import type { ForwardingSettings } from '../cloud/settings.ts';
import type { IngressRecord, IngressRuleRecord } from '../kube/ingress-reflector.ts';
import type { Redirect } from '../loadbalancers/listener-settings.ts';
import { ownerName } from '../loadbalancers/owner.ts';
import { type Problem, problem } from '../loadbalancers/problem.ts';
import type { RuleIntent } from '../loadbalancers/service-intent.ts';
import type { AnnotationReader } from '../manifests/annotation-reader.ts';
import { backendOf } from './backend.ts';
import { type ForwardingPlace, forwardingPlace } from './forwarding-place.ts';
import { HostCertificates } from './host-certificates.ts';
import { AUTO_REWRITE, AUTO_REWRITE_CODE } from './ingress-annotations.ts';
import type { IngressFacts } from './ingress-facts.ts';
import { DEFAULT_PORTS, type ListenPort } from './listen-ports.ts';
import { type RuleSet, ruleSets } from './rule-sets.ts';

export interface IngressRules {
  readonly rules: readonly RuleIntent[];
  readonly problems: readonly Problem[];
}

/** What an Ingress asks of CLB's forwarding rules. */
export function ingressRules(ingress: IngressRecord, facts: IngressFacts, reader: AnnotationReader): IngressRules {
  const certificates = new HostCertificates(ingress, facts, reader);
  const sets = ruleSets(allRules(ingress), reader, { hasCertificates: certificates.hasAny });
  const draft = new Draft(ingress, facts, certificates);
  const redirect = redirectOf(reader, sets);
  for (const set of sets) for (const rule of set.rules) if (!redirect || set.scheme === 'HTTPS') draft.add(set, rule);
  if (redirect) addRedirects(draft, sets, redirect);
  return {
    rules: [...draft.rules.values()],
    problems: [...new Map(draft.problems.map(each => [each.message, each])).values()],
  };
}

/** Those of `spec.rules`, and last what takes everything else. */
function allRules({ rules, defaultBackend }: IngressRecord): readonly IngressRuleRecord[] {
  if (!defaultBackend) return rules;
  return [...rules, { host: '', path: '/', pathType: 'ImplementationSpecific', backend: defaultBackend }];
}

/** What is served over HTTPS is redirected there; what is served over HTTP alone still is. */
function addRedirects(draft: Draft, sets: readonly RuleSet[], redirect: Redirect): void {
  const secured = sets.filter(({ scheme }) => scheme === 'HTTPS').flatMap(({ rules }) => rules);
  const listed = sets.filter(({ scheme }) => scheme === 'HTTP').map(({ port }) => port);
  for (const port of listed.length > 0 ? listed : [DEFAULT_PORTS.HTTP]) {
    for (const rule of secured) draft.add({ scheme: 'HTTP', port }, rule, redirect);
  }
  for (const set of sets) if (set.scheme === 'HTTP') for (const rule of set.rules) draft.addUnlessThere(set, rule);
}

function redirectOf(reader: AnnotationReader, sets: readonly RuleSet[]): Redirect | undefined {
  if (!reader.flag(AUTO_REWRITE)) return undefined;
  const target = sets.find(({ scheme, rules }) => scheme === 'HTTPS' && rules.length > 0);
  if (!target) {
    return reader.malformed(
      AUTO_REWRITE,
      'the Ingress has no rule for HTTPS to redirect to; name a certificate in spec.tls',
    );
  }
  const written = reader.text(AUTO_REWRITE_CODE);
  const code = CODES.find(each => String(each) === written?.replace(/[^0-9]/g, ''));
  if (written !== undefined && code === undefined) reader.malformed(AUTO_REWRITE_CODE, 'it takes 301, 302 or 307');
  return { port: target.port, code: code ?? CODES[0] };
}

const CODES = [301, 302, 307] as const;

class Draft {
  /** By id. */
  readonly rules = new Map<string, RuleIntent>();
  readonly problems: Problem[] = [];
  readonly #ingress: IngressRecord;
  readonly #facts: IngressFacts;
  readonly #certificates: HostCertificates;

  constructor(ingress: IngressRecord, facts: IngressFacts, certificates: HostCertificates) {
    this.#ingress = ingress;
    this.#facts = facts;
    this.#certificates = certificates;
  }

  add(port: ListenPort, rule: IngressRuleRecord, redirect?: Redirect): void {
    const place = this.#place(rule);
    if (!place) return;
    const id = this.#id(port, place);
    if (this.rules.has(id)) this.problems.push(writtenTwice(this.#ingress, rule));
    else this.rules.set(id, this.#intent({ id, port, place, rule, redirect }));
  }

  addUnlessThere(port: ListenPort, rule: IngressRuleRecord): void {
    const place = this.#place(rule);
    if (place && !this.rules.has(this.#id(port, place))) this.add(port, rule);
  }

  #place(rule: IngressRuleRecord): ForwardingPlace | undefined {
    const place = forwardingPlace(rule);
    if (!place) this.problems.push(noSuchPlace(this.#ingress, rule));
    return place;
  }

  #id({ scheme, port }: ListenPort, { domain, url }: ForwardingPlace): string {
    return `${this.#ingress.uid}/${scheme}/${port}/${domain}${url}`;
  }

  #intent({ id, port: { scheme, port }, place, rule, redirect }: Wanted): RuleIntent {
    const { uid, namespace, name } = this.#ingress;
    const { backend, problem: backendProblem } = backendOf(this.#ingress, rule.backend, this.#facts.service);
    if (backendProblem) this.problems.push(backendProblem);
    const secured = scheme === 'HTTPS' ? this.#secured(rule.host) : {};
    const { certificate, notToMake } = secured;
    return {
      id,
      service: { kind: 'Ingress', uid, namespace, name },
      protocol: Protocol.TCP,
      port,
      ...(redirect ? { ...backend, selector: {} } : backend),
      forwarding: { scheme, ...place },
      forwardingSettings: {
        ...(place.domain === '' && { isDefaultDomain: true }),
        ...(certificate && { certificate }),
      },
      ...(redirect && { redirect }),
      ...(notToMake && { notToMake }),
    };
  }

  #secured(host: string): Pick<ForwardingSettings, 'certificate'> & Pick<RuleIntent, 'notToMake'> {
    const found = this.#certificates.of(host);
    switch (found.kind) {
      case 'known':
        return { certificate: found.certificate };
      case 'pending':
        return { notToMake: 'pending' };
      case 'missing':
        this.problems.push(found.problem);
        return { notToMake: found.problem };
    }
  }
}

interface Wanted {
  readonly id: string;
  readonly port: ListenPort;
  readonly place: ForwardingPlace;
  readonly rule: IngressRuleRecord;
  readonly redirect: Redirect | undefined;
}

function noSuchPlace(ingress: IngressRecord, { host, path, pathType }: IngressRuleRecord): Problem {
  return problem(
    'CD1042',
    `${ownerName(ingress)}: CLB has no rule for host ${JSON.stringify(host)} and path ${JSON.stringify(path)} (${pathType}). A ` +
      'host has at most 80 characters and one wildcard at either end; a path at most 200, and begins with "/", or with "=" ' +
      'or "~" where it is ImplementationSpecific. The other rules are served.',
  );
}

function writtenTwice(ingress: IngressRecord, { host, path }: IngressRuleRecord): Problem {
  return problem(
    'CD1043',
    `${ownerName(ingress)}: host ${JSON.stringify(host)} and path ${JSON.stringify(path || '/')} stand in two of its rules. The ` +
      'first one counts; remove the other, or give it another path.',
  );
}

import { isDeepStrictEqual } from 'node:util';
import { Protocol } from '../../common/pod-record.ts';
import { fieldsOf } from '../ingress/json-fields.ts';
import type { OwnerRecord } from '../kube/owner-record.ts';
import type { TkeServiceConfigRecord } from '../kube/tke-service-config-reflector.ts';
import type { RuleIntent } from '../loadbalancers/service-intent.ts';
import { configName } from './configured-claim.ts';

/** A TkeServiceConfig that has to be made or changed. */
export interface AutoConfig {
  readonly owner: OwnerRecord;
  readonly name: string;
  /** As it is now; undefined when it does not exist. */
  readonly known: TkeServiceConfigRecord | undefined;
  readonly spec: object;
}

/**
 * The object that an owner with the `-auto` annotation has: one section for each of its listeners and rules, to be filled
 * in by people. What they wrote stays while its listener or rule does. Undefined when nothing has to be written.
 */
export function autoConfig(
  owner: OwnerRecord,
  rules: readonly RuleIntent[],
  configOf: (name: string) => TkeServiceConfigRecord | undefined,
): AutoConfig | undefined {
  const { name, isAuto } = configName(owner);
  if (name === undefined || !isAuto) return undefined;
  const known = configOf(name);
  const spec = sectionsIn(fieldsOf(known?.spec), rules);
  return known && isDeepStrictEqual(spec, known.spec) ? undefined : { owner, name, known, spec };
}

type Section = Readonly<Record<string, unknown>>;

function sectionsIn(spec: Section, rules: readonly RuleIntent[]): Section {
  const balancer = fieldsOf(spec.loadBalancer);
  const served = rules.filter(rule => rule.redirect === undefined);
  const layer4 = served.flatMap(layer4Section);
  const layer7 = layer7Sections(served, listOf(balancer.l7Listeners));
  return {
    ...spec,
    loadBalancer: {
      ...balancer,
      l4Listeners: kept(layer4, listOf(balancer.l4Listeners), ['protocol', 'port']),
      l7Listeners: layer7,
    },
  };
}

function layer4Section({ forwarding, protocol, port, listenerSettings }: RuleIntent): Section[] {
  if (forwarding) return [];
  const secured = listenerSettings?.certificate ? 'TCP_SSL' : 'TCP';
  return [{ protocol: protocol === Protocol.UDP ? 'UDP' : secured, port }];
}

function layer7Sections(rules: readonly RuleIntent[], present: readonly Section[]): Section[] {
  const places = rules.flatMap(({ forwarding, port }) => (forwarding ? [{ ...forwarding, port }] : []));
  const listeners = [...Map.groupBy(places, ({ scheme, port }) => `${scheme}:${port}`).values()];
  return listeners.map(ofListener => {
    const [{ scheme: protocol, port } = { scheme: '', port: 0 }] = ofListener;
    const [listener = {}] = kept([{ protocol, port }], present, ['protocol', 'port']);
    const domains = [...Map.groupBy(ofListener, ({ domain }) => domain)].map(([domain, ofDomain]) => {
      const [section = {}] = kept([{ domain }], listOf(listener.domains), ['domain']);
      const urls = ofDomain.map(({ url }) => ({ url }));
      return { ...section, rules: kept(urls, listOf(section.rules), ['url']) };
    });
    return { ...listener, domains };
  });
}

/** Each of the wanted sections, as it is written already if it is. */
function kept(wanted: readonly Section[], present: readonly Section[], keys: readonly string[]): Section[] {
  return wanted.map(section => present.find(each => keys.every(key => each[key] === section[key])) ?? section);
}

function listOf(value: unknown): readonly Section[] {
  return Array.isArray(value) ? value.map(fieldsOf) : [];
}

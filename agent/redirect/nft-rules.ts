import { isIPv4 } from 'node:net';
import type { InstanceNames } from '../../common/instance-names.ts';
import {
  type AddressChange,
  formatOwner,
  parseOwner,
  type RedirectRule,
  type RuleOwner,
  type StandingRule,
} from './hook-redirect.ts';

export type Family = 'ip' | 'ip6';
/** What `nft -j list table` printed for each family; undefined where there is no such table. */
export type Listings = Readonly<Record<Family, readonly NftObject[] | undefined>>;
/** libnftables-json(5): an object with one key that says what it is. */
export type NftObject = Readonly<Record<string, NftProperties>>;
type NftProperties = { readonly [property: string]: unknown };

const FAMILIES: readonly Family[] = ['ip', 'ip6'];
/** Before kube-proxy's and the CNI's own destination NAT, which stand at -100; the first one that matches wins. */
const NAT_PRIORITY = -105;
const LOOPBACK_INTERFACE = 'lo';

/**
 * The transaction that puts the whole rule there: root's calls to the hook port of its addresses go to the agent's loopback
 * port, and nothing else from this machine reaches that port.
 *
 * Chains of a rule that stands are kept and only filled anew: a chain that is replaced by another one leaves a moment in
 * which a call can pass both. Where they are not as they should be, that is refused; `rebuilds` makes all anew. The table
 * of a family without addresses goes, except that of IPv4.
 */
export function ruleTransaction(
  rule: RedirectRule,
  agentPort: number,
  {
    standing,
    names,
    rebuilds = false,
  }: { readonly standing: Listings; readonly names: InstanceNames; readonly rebuilds?: boolean },
): object {
  return transaction(
    FAMILIES.flatMap(family => {
      const listing = standing[family];
      const isWanted = family === 'ip' || rule.addresses.some(address => familyOf(address) === family);
      if (isWanted) {
        const filled = fillTable(family, rule, agentPort, { names, standing: rebuilds ? [] : (listing ?? []) });
        return rebuilds && listing ? [{ delete: table(family, names) }, ...filled] : filled;
      }
      return listing ? [{ delete: table(family, names) }] : [];
    }),
  );
}

/** The transaction that deletes what stands there. */
export function removalTransaction(standing: Listings, names: InstanceNames): object {
  return transaction(FAMILIES.filter(family => standing[family]).map(family => ({ delete: table(family, names) })));
}

/** The set's name is the owner's own, so that this fails where another agent's rule stands. */
export function changeTransaction(
  owner: RuleOwner,
  { added, removed }: AddressChange,
  { redirectTable }: InstanceNames,
): object {
  const elements = (family: Family, addresses: readonly string[]) => {
    const elem = addresses.filter(address => familyOf(address) === family);
    return elem.length === 0 ? [] : [{ element: { family, table: redirectTable, name: setName(owner), elem } }];
  };
  return transaction(
    FAMILIES.flatMap(family => [
      ...elements(family, added).map(add => ({ add })),
      ...elements(family, removed).map(element => ({ delete: element })),
    ]),
  );
}

/** Undefined where no rule of an agent stands, or one that nobody could tell whose it is. */
export function standingRule(standing: Listings): StandingRule | undefined {
  const rule = objectsOf(standing.ip, 'rule').find(({ comment }) => parseOwner(String(comment)) !== undefined);
  const owner = parseOwner(String(rule?.comment));
  const agentPort = (rule?.expr as readonly NftObject[] | undefined)?.find(({ redirect }) => redirect)?.redirect?.port;
  if (!owner || typeof agentPort !== 'number') return undefined;
  const sets = FAMILIES.flatMap(family => objectsOf(standing[family], 'set'));
  const elements = sets.filter(({ name }) => name === setName(owner)).flatMap(({ elem }) => (elem as unknown[]) ?? []);
  return { owner, agentPort, addresses: elements.map(String).sort(), fingerprint: fingerprintOf(standing) };
}

export function familyOf(address: string): Family {
  return isIPv4(address) ? 'ip' : 'ip6';
}

function fillTable(
  family: Family,
  rule: RedirectRule,
  agentPort: number,
  { standing, names }: { readonly standing: readonly NftObject[]; readonly names: InstanceNames },
): object[] {
  const inTable = { family, table: names.redirectTable };
  const set = { ...inTable, name: setName(rule.owner) };
  const elem = rule.addresses.filter(address => familyOf(address) === family);
  const chains = [chain('output', 'nat', NAT_PRIORITY), chain('input', 'filter', 0)];
  const sets = objectsOf(standing, 'set').map(({ name }) => name);
  const isOurs = (name: unknown) => chains.some(ours => ours.name === name);
  const strangers = objectsOf(standing, 'chain').filter(({ name }) => !isOurs(name));
  const strangerChains = strangers.map(({ name }) => ({ chain: { ...inTable, name } }));
  return [
    { add: table(family, names) },
    { add: { set: { ...set, type: family === 'ip' ? 'ipv4_addr' : 'ipv6_addr' } } },
    ...(sets.includes(set.name) ? [{ flush: { set } }] : []),
    ...(elem.length > 0 ? [{ add: { element: { ...set, elem } } }] : []),
    ...chains.map(properties => ({ add: { chain: { ...inTable, ...properties } } })),
    ...chains.map(({ name }) => ({ flush: { chain: { ...inTable, name } } })),
    { add: { rule: { ...inTable, ...redirectRule(family, rule.owner, { agentPort, ...names }) } } },
    { add: { rule: { ...inTable, ...refusalRule(agentPort) } } },
    ...strangerChains.map(flush => ({ flush })),
    ...strangerChains.map(gone => ({ delete: gone })),
    ...sets.filter(name => name !== set.name).map(name => ({ delete: { set: { ...inTable, name } } })),
  ];
}

function redirectRule(
  family: Family,
  owner: RuleOwner,
  { agentPort, hookPort }: { readonly agentPort: number; readonly hookPort: number },
): object {
  const expr = [
    match({ meta: { key: 'skuid' } }, '==', 0),
    match({ payload: { protocol: family, field: 'daddr' } }, '==', `@${setName(owner)}`),
    match({ payload: { protocol: 'tcp', field: 'dport' } }, '==', hookPort),
    { redirect: { port: agentPort } },
  ];
  return { chain: 'output', comment: formatOwner(owner), expr };
}

function refusalRule(agentPort: number): object {
  const expr = [
    match({ meta: { key: 'iif' } }, '==', LOOPBACK_INTERFACE),
    match({ payload: { protocol: 'tcp', field: 'dport' } }, '==', agentPort),
    match({ '&': [{ ct: { key: 'status' } }, 'dnat'] }, '!=', 'dnat'),
    { reject: { type: 'tcp reset' } },
  ];
  return { chain: 'input', expr };
}

function setName({ stamp }: RuleOwner): string {
  return `pods_${stamp.toString(36)}`;
}

/** Everything but the elements, and the handles, which change with every writing. */
function fingerprintOf(standing: Listings): string {
  return JSON.stringify(standing, (key, value) => (['handle', 'elem', 'metainfo'].includes(key) ? undefined : value));
}

function objectsOf(listing: readonly NftObject[] | undefined, kind: string): readonly NftProperties[] {
  return (listing ?? []).flatMap((object): readonly NftProperties[] => {
    const properties = object[kind];
    return properties ? [properties] : [];
  });
}

function transaction(commands: readonly object[]): object {
  return { nftables: commands };
}

function table(family: Family, { redirectTable }: InstanceNames): object {
  return { table: { family, name: redirectTable } };
}

function chain(name: 'output' | 'input', type: string, prio: number) {
  return { name, type, hook: name, prio, policy: 'accept' };
}

function match(left: object, op: '==' | '!=', right: string | number): object {
  return { match: { op, left, right } };
}

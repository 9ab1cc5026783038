import { isIPv4 } from 'node:net';
import { HOOK_PORT } from '../../common/names.ts';

const TABLE = { family: 'ip', table: 'clb_direct' } as const;
/** Before kube-proxy's and the CNI's own destination NAT, which stand at -100. */
const NAT_PRIORITY = -105;

/**
 * The whole rule set as one transaction for `nft -j -f -` (libnftables-json(5)): root's calls to a hooked Pod's port
 * 19440 go to the agent's loopback port, and nothing else from this machine reaches that port. IPv6 addresses are left out.
 */
export function nftRuleset(podAddresses: readonly string[], agentPort: number): object {
  const elements = podAddresses.filter(isIPv4);
  const set = { ...TABLE, name: 'pods', type: 'ipv4_addr', ...(elements.length > 0 ? { elem: elements } : {}) };
  return {
    nftables: [
      // Deleting needs a table that exists.
      add({ table: { family: TABLE.family, name: TABLE.table } }),
      { delete: { table: { family: TABLE.family, name: TABLE.table } } },
      add({ table: { family: TABLE.family, name: TABLE.table } }),
      add({ set }),
      chain('output', 'nat', NAT_PRIORITY),
      rule('output', [
        match({ meta: { key: 'skuid' } }, '==', 0),
        match({ payload: { protocol: 'ip', field: 'daddr' } }, '==', '@pods'),
        match({ payload: { protocol: 'tcp', field: 'dport' } }, '==', HOOK_PORT),
        { redirect: { port: agentPort } },
      ]),
      chain('input', 'filter', 0),
      rule('input', [
        match({ meta: { key: 'iif' } }, '==', 'lo'),
        match({ payload: { protocol: 'tcp', field: 'dport' } }, '==', agentPort),
        match({ '&': [{ ct: { key: 'status' } }, 'dnat'] }, '!=', 'dnat'),
        { reject: { type: 'tcp reset' } },
      ]),
    ],
  };
}

function add(what: object): object {
  return { add: what };
}

function chain(name: string, type: string, prio: number): object {
  return add({ chain: { ...TABLE, name, type, hook: name, prio, policy: 'accept' } });
}

function rule(chainName: string, expr: readonly object[]): object {
  return add({ rule: { ...TABLE, chain: chainName, expr } });
}

function match(left: object, op: '==' | '!=', right: string | number): object {
  return { match: { op, left, right } };
}

import { expect, test } from 'vitest';
import { parseRedirectRules } from './nft-rule-set.ts';

const TABLE = { family: 'ip', table: 'clb_direct' };

function transaction(elem: unknown[], expression: object[]): string {
  const set = { ...TABLE, name: 'pods', type: 'ipv4_addr', elem };
  return JSON.stringify({
    nftables: [{ add: { set } }, { add: { rule: { ...TABLE, chain: 'output', expr: expression } } }],
  });
}

test('the set of Pods and the port of the redirect are found', () => {
  const text = transaction(['127.1.1.2', { elem: { val: '127.1.1.3', comment: 'b' } }], [{ redirect: { port: 4711 } }]);
  expect(parseRedirectRules(text)).toEqual({ addresses: new Set(['127.1.1.2', '127.1.1.3']), port: 4711 });
});

test('without elements or redirect nothing is redirected', () => {
  expect(parseRedirectRules(transaction([], []))).toEqual({ addresses: new Set(), port: undefined });
});

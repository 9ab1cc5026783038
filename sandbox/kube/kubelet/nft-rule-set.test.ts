import { expect, test } from 'vitest';
import { redirectRules } from './nft-rule-set.ts';
import { applyTransaction, listTable, NftError, type NftTable } from './nft-tables.ts';

const TABLE = { family: 'ip', table: 'clb_direct' };
const SET = { ...TABLE, name: 'pods_a' };
const CHAIN = { ...TABLE, name: 'output', type: 'nat', hook: 'output', prio: -105, policy: 'accept' };
const RULE = { ...TABLE, chain: 'output', expr: [{ match: { right: '@pods_a' } }, { redirect: { port: 4711 } }] };

function apply(tables: readonly NftTable[], ...commands: object[]): readonly NftTable[] {
  return applyTransaction(tables, JSON.stringify({ nftables: commands }));
}

const redirecting = (elem: string[]) =>
  apply(
    [],
    { add: { table: { family: 'ip', name: 'clb_direct' } } },
    { add: { set: { ...SET, type: 'ipv4_addr', elem } } },
    { add: { chain: CHAIN } },
    { add: { rule: RULE } },
  );

test('the set that a redirecting rule names and its port are found', () => {
  expect(redirectRules(redirecting(['127.1.1.2']))).toEqual({ addresses: new Set(['127.1.1.2']), port: 4711 });
});

test('later transactions change what stands', () => {
  const element = { ...SET, elem: ['127.1.1.2'] };
  const tables = apply(
    redirecting(['127.1.1.2']),
    { add: { element: { ...SET, elem: ['127.1.1.3'] } } },
    { delete: { element } },
  );
  expect(redirectRules(tables).addresses).toEqual(new Set(['127.1.1.3']));
  expect(redirectRules(apply(tables, { flush: { chain: { ...TABLE, name: 'output' } } })).port).toBeUndefined();
});

test('what is not there is refused as the kernel refuses it', () => {
  const element = { ...SET, elem: ['127.1.1.9'] };
  expect(() => apply(redirecting([]), { delete: { element } })).toThrow(
    new NftError('Error: No such file or directory'),
  );
  expect(() => listTable([], 'ip', 'clb_direct')).toThrow('No such file or directory');
});

test('a listing has the table with its sets, chains and rules', () => {
  expect(listTable(redirecting(['127.1.1.2']), 'ip', 'clb_direct')).toMatchObject({
    nftables: [
      { metainfo: {} },
      { table: { family: 'ip', name: 'clb_direct' } },
      { set: { name: 'pods_a', elem: ['127.1.1.2'] } },
      { chain: CHAIN },
      { rule: RULE },
    ],
  });
});

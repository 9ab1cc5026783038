/** What nft keeps of one table. */
export interface NftTable {
  readonly family: string;
  readonly name: string;
  readonly sets: Readonly<Record<string, NftSet>>;
  readonly chains: Readonly<Record<string, NftChain>>;
}

interface NftSet {
  readonly type: string;
  readonly elem: readonly string[];
}

interface NftChain {
  /** Type, hook, priority and policy. */
  readonly base: Readonly<Record<string, unknown>>;
  readonly rules: readonly Readonly<Record<string, unknown>>[];
}

/** A command was refused, in the kernel's words. */
export class NftError extends Error {
  override readonly name = 'NftError';
}

interface Subject {
  readonly family: string;
  readonly name?: string;
  readonly table?: string;
  readonly chain?: string;
  readonly elem?: readonly string[];
  readonly type?: string;
  readonly [property: string]: unknown;
}

/**
 * Applies a transaction of `nft -j` (libnftables-json(5)) as far as a node's agent uses it: add and delete of tables, sets
 * and elements, add of chains and rules, flush of chains and sets. All of it or nothing.
 * @throws NftError
 */
export function applyTransaction(tables: readonly NftTable[], text: string): readonly NftTable[] {
  const { nftables } = JSON.parse(text) as { nftables: readonly Record<string, Record<string, Subject>>[] };
  return nftables.reduce((before, command) => {
    const [[verb = '', what = {}] = []] = Object.entries(command);
    const [[kind = '', subject] = []] = Object.entries(what);
    if (!subject) throw new NftError(`Error: the sandbox's nft does not know ${JSON.stringify(command)}`);
    return applyCommand(before, `${verb} ${kind}`, subject);
  }, tables);
}

/** As `nft -j list table FAMILY NAME` prints it. @throws NftError */
export function listTable(tables: readonly NftTable[], family: string, name: string): object {
  const { sets, chains } = tableOf(tables, family, name);
  const inTable = { family, table: name };
  const chainObjects = Object.entries(chains);
  return {
    nftables: [
      { metainfo: { version: '1.0.6', json_schema_version: 1 } },
      { table: { family, name } },
      ...Object.entries(sets).map(([set, { type, elem }]) => ({
        set: { ...inTable, name: set, type, ...(elem.length > 0 && { elem }) },
      })),
      ...chainObjects.map(([chain, { base }]) => ({ chain: { ...inTable, name: chain, ...base } })),
      ...chainObjects.flatMap(([chain, { rules }]) => rules.map(rule => ({ rule: { ...inTable, chain, ...rule } }))),
    ],
  };
}

function applyCommand(tables: readonly NftTable[], command: string, subject: Subject): readonly NftTable[] {
  const { family, name = '', table: tableName = '', ...rest } = subject;
  if (command === 'add table') {
    const isThere = tables.some(table => table.family === family && table.name === name);
    return isThere ? tables : [...tables, { family, name, sets: {}, chains: {} }];
  }
  if (command === 'delete table') {
    const gone = tableOf(tables, family, name);
    return tables.filter(table => table !== gone);
  }
  const before = tableOf(tables, family, tableName);
  const after = changeTable(before, command, { ...rest, family, name });
  return tables.map(table => (table === before ? after : table));
}

function changeTable(
  table: NftTable,
  command: string,
  { name = '', chain = '', elem = [], ...rest }: Subject,
): NftTable {
  const { sets, chains } = table;
  const { family, ...properties } = rest;
  const withSet = (set: NftSet) => ({ ...table, sets: { ...sets, [name]: set } });
  const withChain = (key: string, changed: NftChain) => ({ ...table, chains: { ...chains, [key]: changed } });
  switch (command) {
    case 'add set':
      return sets[name] ? table : withSet({ type: String(rest.type), elem });
    case 'add element':
      return withSet({ ...found(sets, name), elem: [...new Set([...found(sets, name).elem, ...elem])] });
    case 'delete element': {
      const set = found(sets, name);
      if (!elem.every(element => set.elem.includes(element))) throw notFound();
      return withSet({ ...set, elem: set.elem.filter(element => !elem.includes(element)) });
    }
    case 'flush set':
      return withSet({ ...found(sets, name), elem: [] });
    case 'delete set': {
      const { [name]: _, ...kept } = sets;
      found(sets, name);
      return { ...table, sets: kept };
    }
    case 'add chain':
      return chains[name] ? table : withChain(name, { base: properties, rules: [] });
    case 'flush chain':
      return withChain(name, { ...found(chains, name), rules: [] });
    case 'add rule':
      return withChain(chain, { ...found(chains, chain), rules: [...found(chains, chain).rules, properties] });
    default:
      throw new NftError(`Error: the sandbox's nft does not know '${command}'`);
  }
}

function tableOf(tables: readonly NftTable[], family: string, name: string): NftTable {
  const found = tables.find(table => table.family === family && table.name === name);
  if (!found) throw notFound();
  return found;
}

function found<T>(objects: Readonly<Record<string, T>>, name: string): T {
  const object = objects[name];
  if (object === undefined) throw notFound();
  return object;
}

function notFound(): NftError {
  return new NftError('Error: No such file or directory');
}

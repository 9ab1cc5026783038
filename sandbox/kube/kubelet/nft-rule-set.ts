import type { NftTable } from './nft-tables.ts';

/** The part of a node's nft rules that its network follows. */
export interface RedirectRules {
  /** Pod addresses whose hook port is redirected. */
  readonly addresses: ReadonlySet<string>;
  /** The local port that answers instead; undefined when no rule redirects. */
  readonly port: number | undefined;
}

export const NO_REDIRECT: RedirectRules = { addresses: new Set(), port: undefined };

interface Expression {
  readonly redirect?: { readonly port?: number };
  readonly match?: { readonly right?: unknown };
}

/** What the first rule that redirects makes of connections: those to the addresses of the set that it names, to its port. */
export function redirectRules(tables: readonly NftTable[]): RedirectRules {
  for (const { sets, chains } of tables) {
    const outgoing = Object.values(chains).filter(({ base }) => base.type === 'nat' && base.hook === 'output');
    for (const { expr } of outgoing.flatMap(({ rules }) => rules)) {
      const expressions = expr as readonly Expression[];
      const port = expressions.find(({ redirect }) => redirect)?.redirect?.port;
      const named = expressions.map(({ match }) => String(match?.right)).find(right => right.startsWith('@'));
      if (port !== undefined && named) return { addresses: new Set(sets[named.slice(1)]?.elem), port };
    }
  }
  return NO_REDIRECT;
}

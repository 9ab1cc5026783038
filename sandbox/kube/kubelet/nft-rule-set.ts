/** The part of a node's nft rules that its network follows. */
export interface RedirectRules {
  /** Pod addresses whose hook port is redirected. */
  readonly addresses: ReadonlySet<string>;
  /** The local port that answers instead; undefined when no rule redirects. */
  readonly port: number | undefined;
}

export const NO_REDIRECT: RedirectRules = { addresses: new Set(), port: undefined };

/**
 * Reads one transaction of `nft -j -f -` (libnftables-json(5)) as the whole rule set: the elements of the set `pods`
 * and the port of the redirect statement, wherever they stand. What is added by later transactions is not merged.
 */
export function parseRedirectRules(text: string): RedirectRules {
  const addresses = new Set<string>();
  let port: number | undefined;
  for (const object of objectsIn(JSON.parse(text))) {
    if (object.name === 'pods' && Array.isArray(object.elem)) {
      for (const element of object.elem) addresses.add(addressOf(element));
    }
    const redirect = object.redirect as { port?: unknown } | undefined;
    if (typeof redirect?.port === 'number') port = redirect.port;
  }
  return { addresses, port };
}

/** An element is an address, or an object that holds one with a comment or a timeout. */
function addressOf(element: unknown): string {
  const value = (element as { elem?: { val?: unknown } } | undefined)?.elem?.val;
  return String(value ?? element);
}

function* objectsIn(value: unknown): Generator<Record<string, unknown>> {
  if (value === null || typeof value !== 'object') return;
  if (!Array.isArray(value)) yield value as Record<string, unknown>;
  for (const child of Object.values(value)) yield* objectsIn(child);
}

/** Two or three replicas are the rule; more than this is a wrong name. */
export const ADDRESSES_MAX = 16;

/**
 * The addresses to keep a stream to, each once: of those that were `found`, the ones that have a stream come first, so
 * that a name server which answers in another order each time does not make the agent change its coordinators.
 */
export function chooseAddresses(found: readonly string[], inUse: Iterable<string>): ReadonlySet<string> {
  const isFound = new Set(found);
  const kept = [...inUse].filter(address => isFound.has(address));
  return new Set([...new Set([...kept, ...isFound])].slice(0, ADDRESSES_MAX));
}

/** Stands before the name of a load balancer that nobody keeps up with its Pods any more, for people to see. */
const MARK = 'released-';
/** Of a load balancer's name, by the strictest of CLB's pages. */
const CHARACTERS_MAX = 60;

/** The name as it is when its cluster was handed back; undefined when it says so already. */
export function releasedName(name: string): string | undefined {
  return name.startsWith(MARK) ? undefined : `${MARK}${name}`.slice(0, CHARACTERS_MAX);
}

/** The name without the mark; undefined when it has none. */
export function keptName(name: string): string | undefined {
  return name.startsWith(MARK) && name !== MARK ? name.slice(MARK.length) : undefined;
}

/** What an agent has of what it needs. Coordinators are no part of it: that all are away is no reason to hold up the upgrade of the agents. */
export interface ReadinessFacts {
  /** The first complete list of the node's Pods has come. */
  readonly isListed: boolean;
  /** The node leads the preStop calls of its hooked Pods to this agent, which takes them over once it can serve them. */
  readonly isRedirected: boolean;
}

/** What is missing before this agent does its work, for people; nothing, when empty. */
export function missingToBeReady({ isListed, isRedirected }: ReadinessFacts): string[] {
  const missing = isListed ? [] : ['the Pods of this node are not listed yet'];
  if (!isRedirected) missing.push('the node does not lead preStop calls to this agent');
  return missing;
}

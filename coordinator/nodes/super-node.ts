const SUPER_NODE_PREFIX = 'eklet-';

/** Runs Pods without a machine for an agent. */
export function isSuperNode(node: string): boolean {
  return node.startsWith(SUPER_NODE_PREFIX);
}

import { type HookRedirect, isSameOwner, type StandingRule } from './hook-redirect.ts';

/** A rule that only memory holds: for nodes that redirect nothing, for tests and for virtual time. */
export class RememberedRedirect {
  standing: StandingRule | undefined;
  /** Ports where an agent listens. */
  readonly served = new Set<number>();

  /** The rule as the agent at this port handles it; all agents of the node see the same one. */
  edge(agentPort: number): HookRedirect {
    return {
      covers: () => true,
      read: async () => this.standing,
      replace: async ({ owner, addresses }) => {
        this.standing = { owner, agentPort, addresses, fingerprint: `as agent ${agentPort} wrote it` };
      },
      change: async (owner, { added, removed }) => {
        const { standing } = this;
        if (!standing || !isSameOwner(standing.owner, owner)) throw new Error('the rule is not there any more');
        const kept = standing.addresses.filter(address => !removed.includes(address));
        this.standing = { ...standing, addresses: [...kept, ...added].sort() };
      },
      isServed: async port => this.served.has(port),
    };
  }
}

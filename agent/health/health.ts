/** How the agent is doing; both lists are for people, and empty when all is well. */
export interface AgentHealth {
  /** What it still lacks to do its work. */
  readonly missing: readonly string[];
  /** Parts that hang, which only a restart ends. */
  readonly stuck: readonly string[];
}

/** Where the agent says how it is doing. Real carrier: a unix socket; elsewhere nobody asks. */
export interface HealthBoard {
  observe(health: () => AgentHealth): void;
}

/** For runs in which nobody asks. */
export function noHealthBoard(): HealthBoard {
  return { observe: () => {} };
}

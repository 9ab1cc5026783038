/**
 * Node's own flags for the agent, wherever it runs as a bundle; what each of them brings stands in docs/benchmarks.md. They
 * come before the program: `node <flags> agent.mjs …`.
 */
export const AGENT_NODE_FLAGS: readonly string[] = [
  // Short-lived objects of an agent fit in; V8's default lets 16 MiB of them gather.
  '--max-semi-space-size=1',
  // A bound, four times what the list of a node with 500 large Pods takes; V8 also grows its heap more carefully below it.
  '--max-old-space-size=128',
  // The heap is so small that helpers to collect it cost more memory and wake-ups than they save time.
  '--single-threaded-gc',
  // The optimizing compilers are 8 MiB of code that is mapped by the first function they compile. An agent at work has no
  // function that is worth it, until a drain walks through large socket tables: loops are still compiled while they run.
  '--invocation-count-for-maglev=40000',
  '--invocation-count-for-turbofan=300000',
];

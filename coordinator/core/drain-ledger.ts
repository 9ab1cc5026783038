/** A preStop hook that an agent holds, or held a moment ago, for one Pod. */
export interface Drain {
  readonly podUid: string;
  readonly node: string;
  /** The agents that hold it: two of them in an upgrade, each with the hook of another container. */
  readonly holders: readonly string[];
  readonly phase: 'begun' | 'connections-ended' | 'answered';
  readonly begunAt: number;
  /** When the hook was answered; the Pod opens again if no deletion or exit follows. */
  readonly answeredAt: number | undefined;
  /** When the hook's budget ends, monotonic milliseconds. */
  readonly budgetEndsAt: number;
  /** When the budget was named last. */
  readonly heardAt: number;
}

export interface DrainRequested {
  readonly podUid: string;
  readonly node: string;
  /** Left out where a node has one agent. */
  readonly agent?: string;
  readonly phase: Drain['phase'];
  readonly budgetMs: number;
}

/** Law L4: a hook call without deletion or exit within this time of its answer was a restart. */
export const REOPEN_AFTER_MS = 10_000;
/** A hook whose agent says no more is forgotten this long after its budget. */
const SILENT_DRAIN_LIFE_MS = 15_000;
const DRAINS_MAX = 20_000;
/** More than one node ever has; an agent that was killed never answers. */
const HOLDERS_MAX = 4;

export type DrainLedger = ReadonlyMap<string, Drain>;

/** The ledger after a request. Phases only go forward within one drain; a call after an answer begins another drain. */
export function recordDrain(ledger: DrainLedger, request: DrainRequested, now: number): DrainLedger {
  const entry = ledger.get(request.podUid);
  if (!entry && ledger.size >= DRAINS_MAX) return ledger;
  // What another node said of this Pod is not taken over (law L12).
  const known = entry?.node === request.node ? entry : undefined;
  const { podUid, node, agent = node } = request;
  if (request.phase === 'answered') return known ? new Map(ledger).set(podUid, answered(known, agent, now)) : ledger;
  const running = known && known.phase !== 'answered' ? known : undefined;
  const others = (running?.holders ?? []).filter(holder => holder !== agent);
  const drain: Drain = {
    podUid,
    node,
    holders: [...others, agent].slice(-HOLDERS_MAX),
    phase: known ? laterPhase(known.phase, request.phase) : request.phase,
    begunAt: running?.begunAt ?? now,
    answeredAt: undefined,
    budgetEndsAt: Math.max(now + request.budgetMs, running && others.length > 0 ? running.budgetEndsAt : now),
    heardAt: now,
  };
  return new Map(ledger).set(podUid, drain);
}

/** The drain ends with the answer of the last agent that holds it. */
function answered(known: Drain, agent: string, now: number): Drain {
  if (known.phase === 'answered') return known;
  const holders = known.holders.filter(holder => holder !== agent);
  if (holders.length > 0) return { ...known, holders };
  return { ...known, holders, phase: 'answered', answeredAt: now, budgetEndsAt: now };
}

function laterPhase(known: Drain['phase'], next: Drain['phase']): Drain['phase'] {
  return known === 'connections-ended' && next === 'begun' ? known : next;
}

/** The ledger without drains that have no more say, and the UIDs of the Pods whose drains went. */
export function expireDrains(
  ledger: DrainLedger,
  now: number,
): { readonly ledger: DrainLedger; readonly expired: readonly string[] } {
  const expired = [...ledger.values()].filter(drain => now >= drainEndsAt(drain)).map(drain => drain.podUid);
  if (expired.length === 0) return { ledger, expired };
  const kept = new Map(ledger);
  for (const podUid of expired) kept.delete(podUid);
  return { ledger: kept, expired };
}

/** When the drain stops to count, if nothing else is heard of it. */
export function drainEndsAt(drain: Drain): number {
  return drain.answeredAt === undefined
    ? drain.budgetEndsAt + SILENT_DRAIN_LIFE_MS
    : drain.answeredAt + REOPEN_AFTER_MS;
}

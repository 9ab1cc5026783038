import { ANSWER_MEANINGS } from '../drain/answer-reason.ts';
import { DRAIN_STAGES } from '../drain/drain-outcome.ts';
import type { AgentMetrics } from '../metrics.ts';
import type { Meter } from './meter.ts';

type DrainFacts =
  | 'hooksHeld'
  | 'hookAnswered'
  | 'drainStageEnded'
  | 'connectionsWhileDraining'
  | 'hookRefused'
  | 'connectionReadFailed'
  | 'redirectWritten'
  | 'redirectRepaired'
  | 'redirectOwned';

/** From an unbound Pod's immediate answer to the longest budgets. */
const HELD_SECONDS = [0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300];

/** From one write of an idle lane to connections that last. */
const STAGE_SECONDS = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 300];

export function drainMetrics({ counter, gauge, histogram }: Meter): Pick<AgentMetrics, DrainFacts> {
  const held = gauge('hooks_held', 'preStop calls that are being held.');
  const answers = counter(
    'hook_answers_total',
    'preStop calls answered, those of one drain together, by result (complete or early) and reason.',
    'result',
    'reason',
  );
  // The first of its kind would not count as an increase.
  for (const [reason, { isEarly }] of Object.entries(ANSWER_MEANINGS))
    answers.inc({ result: isEarly ? 'early' : 'complete', reason }, 0);
  const heldSeconds = histogram('hook_held_seconds', 'How long preStop calls were held.', HELD_SECONDS);
  const stageSeconds = histogram(
    'drain_stage_seconds',
    'How long drains spent until weight 0 was read back, settling, emptying and deregistering, by stage.',
    STAGE_SECONDS,
    'stage',
  );
  for (const stage of DRAIN_STAGES) stageSeconds.zero({ stage });
  const open = gauge(
    'draining_connections',
    'Connections of Pods that are being drained, by peer_kind (client, probe or node).',
    'peer_kind',
  );
  const refusals = counter('hook_refusals_total', 'preStop calls turned away, by reason.', 'reason');
  const readErrors = counter('connection_read_errors_total', 'Readings of connections that failed.');
  const writes = counter('redirect_writes_total', 'Writings of the redirect rule, by outcome.', 'outcome');
  const repairs = counter('redirect_repairs_total', 'Times the rule was found changed or removed, and put back.');
  const owned = gauge('redirect_owned', '1 while preStop calls of this node come to this agent, 0 when to another.');
  return {
    hooksHeld: count => held.set(count),
    hookAnswered: (reason, heldMs) => {
      answers.inc({ result: ANSWER_MEANINGS[reason].isEarly ? 'early' : 'complete', reason });
      heldSeconds.observe(heldMs / 1_000);
    },
    drainStageEnded: (stage, durationMs) => stageSeconds.observe({ stage }, durationMs / 1_000),
    connectionsWhileDraining: (kind, count) => open.set({ peer_kind: kind }, count),
    hookRefused: reason => refusals.inc({ reason }),
    connectionReadFailed: () => readErrors.inc(),
    redirectWritten: outcome => writes.inc({ outcome }),
    redirectRepaired: () => repairs.inc(),
    redirectOwned: isOwner => owned.set(isOwner ? 1 : 0),
  };
}

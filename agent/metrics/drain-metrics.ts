import type { AgentMetrics } from '../metrics.ts';
import type { Meter } from './meter.ts';

type DrainFacts = 'hooksHeld' | 'hookAnswered' | 'hookRefused' | 'connectionReadFailed' | 'redirectReplaced';

/** From an unbound Pod's immediate answer to the longest budgets. */
const HELD_SECONDS = [0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300];

export function drainMetrics({ counter, gauge, histogram }: Meter): Pick<AgentMetrics, DrainFacts> {
  const held = gauge('hooks_held', 'preStop calls that are being held.');
  const answers = counter('hook_answers_total', 'preStop calls answered, by reason.', 'reason');
  const heldSeconds = histogram('hook_held_seconds', 'How long preStop calls were held.', HELD_SECONDS);
  const refusals = counter('hook_refusals_total', 'preStop calls turned away, by reason.', 'reason');
  const readErrors = counter('connection_read_errors_total', 'Readings of connections that failed.');
  const redirects = counter('redirect_replacements_total', 'Replacements of the redirect rule, by outcome.', 'outcome');
  return {
    hooksHeld: count => held.set(count),
    hookAnswered: (reason, heldMs) => {
      answers.inc({ reason });
      heldSeconds.observe(heldMs / 1_000);
    },
    hookRefused: reason => refusals.inc({ reason }),
    connectionReadFailed: () => readErrors.inc(),
    redirectReplaced: outcome => redirects.inc({ outcome }),
  };
}

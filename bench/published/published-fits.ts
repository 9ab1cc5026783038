import { fitRelative } from './least-squares.ts';
import { PUBLISHED_ROWS, type PublishedColumn, type PublishedRow, workloadOf } from './published-rows.ts';

/** What the published tables hold, in milliseconds, by least squares of the relative errors. */
export interface PublishedFits {
  /** First table, each column: for each binding, and besides for each of the 200 rules. */
  readonly growingTargets: Readonly<Record<PublishedColumn, BindingsAndRules>>;
  /** First column of both tables. */
  readonly before: BindingsAndRules;
  /** Third column of the second table: what is left for each created rule after its bindings, by number of rules. */
  readonly leftForRuleMs: readonly number[];
}

interface BindingsAndRules {
  readonly bindingMs: number;
  readonly existingRuleMs: number;
}

export function publishedFits(): PublishedFits {
  const growingTargets = PUBLISHED_ROWS.filter(row => row.grows === 'targets');
  const growingRules = PUBLISHED_ROWS.filter(row => row.grows === 'rules');
  const fits = {
    before: bindingsAndRules(growingTargets, 'before'),
    batchCalls: bindingsAndRules(growingTargets, 'batchCalls'),
    cheaperLookUps: bindingsAndRules(growingTargets, 'cheaperLookUps'),
  };
  const leftForRuleMs = growingRules.map(row => {
    const { bindings, createdRules } = workloadOf(row);
    return (row.seconds.cheaperLookUps * 1000 - bindings * fits.cheaperLookUps.bindingMs) / createdRules;
  });
  return { growingTargets: fits, before: bindingsAndRules(PUBLISHED_ROWS, 'before'), leftForRuleMs };
}

function bindingsAndRules(rows: readonly PublishedRow[], column: PublishedColumn): BindingsAndRules {
  const samples = rows.map(row => {
    const { bindings, existingRules } = workloadOf(row);
    return { terms: [bindings, existingRules], value: row.seconds[column] * 1000 };
  });
  const [bindingMs = Number.NaN, existingRuleMs = Number.NaN] = fitRelative(samples);
  return { bindingMs, existingRuleMs };
}

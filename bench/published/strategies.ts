import { batchWithLookUps } from './batch-with-look-ups.ts';
import { clbDirect } from './clb-direct.ts';
import { oneCallEach } from './one-call-each.ts';
import type { PublishedColumn } from './published-rows.ts';
import type { Site } from './site.ts';

export interface Strategy {
  readonly name: 'one-call-each' | 'batch-with-look-ups' | 'clb-direct';
  /** The published column it is compared with. */
  readonly column: PublishedColumn;
  readonly run: (site: Site) => Promise<void>;
}

export const STRATEGIES: readonly Strategy[] = [
  { name: 'one-call-each', column: 'before', run: oneCallEach },
  { name: 'batch-with-look-ups', column: 'batchCalls', run: batchWithLookUps },
  { name: 'clb-direct', column: 'cheaperLookUps', run: clbDirect },
];

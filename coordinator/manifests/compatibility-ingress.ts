import type { CompatibilityRow } from './compatibility-row.ts';

/** What stands on Ingresses and on the Secrets that they name. */
export const INGRESS_ROWS: readonly CompatibilityRow[] = [];

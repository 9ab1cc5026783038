import type { CompatibilityRow } from './compatibility-row.ts';

/** Fields of TkeServiceConfigs. */
export const TKE_SERVICE_CONFIG_ROWS: readonly CompatibilityRow[] = [];

import { INGRESS_ROWS } from './compatibility-ingress.ts';
import { POD_ROWS } from './compatibility-pod.ts';
import type { CompatibilityRow } from './compatibility-row.ts';
import { SERVICE_ROWS } from './compatibility-service.ts';
import { TKE_SERVICE_CONFIG_ROWS } from './compatibility-tke-service-config.ts';

/** Everything of TKE's conventions; docs/compatibility.md is made of it (`npm run compatibility`). */
export const COMPATIBILITY: readonly CompatibilityRow[] = [
  ...SERVICE_ROWS,
  ...POD_ROWS,
  ...INGRESS_ROWS,
  ...TKE_SERVICE_CONFIG_ROWS,
];

/**
 * What ended: a container as it was told; one before the first list (`earlier`) or while nobody listened (`missed`); or
 * what is not reported.
 */
export type RuntimeExitKind = 'container' | 'earlier' | 'missed' | 'sandbox' | 'exec' | 'unknown';

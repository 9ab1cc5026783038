/** `observe`: works everything out and writes nothing. */
export const COORDINATOR_MODES = ['active', 'observe'] as const;
export type CoordinatorMode = (typeof COORDINATOR_MODES)[number];

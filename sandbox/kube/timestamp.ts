/** Kubernetes timestamps: RFC 3339 in UTC with whole seconds, as metav1.Time is written. */
export function formatTimestamp(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/\.\d{3}Z$/, 'Z');
}

/** With microseconds, as metav1.MicroTime is written (leases). */
export function formatMicroTimestamp(wallMs: number): string {
  return new Date(wallMs).toISOString().replace(/Z$/, '000Z');
}

/** Milliseconds since the epoch; 0 for what is absent or unreadable, so that it counts as long ago. */
export function parseTimestamp(timestamp: string | undefined): number {
  const wallMs = timestamp === undefined ? Number.NaN : Date.parse(timestamp);
  return Number.isNaN(wallMs) ? 0 : wallMs;
}

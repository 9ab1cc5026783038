/** RFC 3339 with whole seconds, as `metav1.Time` is written. */
export function timestampOf(wallMs: number): string {
  return `${new Date(wallMs).toISOString().slice(0, 19)}Z`;
}

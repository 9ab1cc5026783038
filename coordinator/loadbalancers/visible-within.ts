/** A load balancer, a listener or a forwarding rule that was made shows in reads within so long. */
export const VISIBLE_WITHIN_MS = 30_000;

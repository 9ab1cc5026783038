import type { KubeletRecord } from '../../sandbox/kube/kubelet/kubelet-record.ts';

/** A Pod's hold of an address, as its kubelet saw it. */
export interface AddressSpan {
  readonly podUid: string;
  readonly podName: string;
  readonly nodeName: string;
  readonly address: string;
  readonly from: number;
  to: number;
}

export function addressSpans(records: readonly KubeletRecord[]): readonly AddressSpan[] {
  const spans: AddressSpan[] = [];
  for (const { type, podUid, podName, nodeName, podIp, atMs } of records) {
    if (type === 'addressAssigned' && podIp !== undefined) {
      // A machine that comes back gives its addresses anew.
      for (const span of spans)
        if ((span.podUid === podUid || span.address === podIp) && span.to > atMs) span.to = atMs;
      spans.push({ podUid, podName, nodeName, address: podIp, from: atMs, to: Number.POSITIVE_INFINITY });
    }
    if (type === 'addressReleased')
      for (const span of spans) if (span.podUid === podUid && span.to > atMs) span.to = atMs;
  }
  return spans;
}

/** The Pod that has the address then. */
export function holderOf(spans: readonly AddressSpan[], address: string, at: number): AddressSpan | undefined {
  return spans.findLast(span => span.address === address && span.from <= at && at < span.to);
}

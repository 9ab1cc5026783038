import { NodeSignKind } from '../../proto/gen/clbdirect/v1/report.ts';

/** A sign's kind in logs and metrics, for example `to-be-deleted`. */
export function signName(kind: NodeSignKind): string {
  const word = Object.entries(NodeSignKind).find(([, value]) => value === kind)?.[0] ?? 'unspecified';
  return word.toLowerCase().replaceAll('_', '-');
}

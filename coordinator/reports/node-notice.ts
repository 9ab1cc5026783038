import { type NodeNotice, NodeSignKind as Wire } from '../../proto/gen/clbdirect/v1/report.ts';
import { mergeSigns, type NodeSign, type NodeSignKind } from '../core/node-sign.ts';

/** What the source says is for people: more of it is cut off. */
const DETAIL_LENGTH_MAX = 253;
/** Far more than there are kinds. */
const SIGNS_MAX = 64;

/** The notice in the core's words. Kinds that this version does not know are left out. */
export function signsIn({ signs }: NodeNotice): readonly NodeSign[] {
  const known = signs.slice(0, SIGNS_MAX).flatMap(({ kind: wire, detail, seenAtMs }) => {
    const kind = kindOf(wire);
    return kind ? [{ kind, detail: detail.slice(0, DETAIL_LENGTH_MAX), seenAtMs }] : [];
  });
  return mergeSigns([known]);
}

function kindOf(kind: Wire): NodeSignKind | undefined {
  switch (kind) {
    case Wire.CORDONED:
      return 'cordoned';
    case Wire.TO_BE_DELETED:
      return 'to-be-deleted';
    case Wire.DELETION_CANDIDATE:
      return 'deletion-candidate';
    case Wire.OUT_OF_SERVICE:
      return 'out-of-service';
    case Wire.NOT_READY:
      return 'not-ready';
    case Wire.SHUTDOWN:
      return 'shutdown';
    case Wire.SPOT_TERMINATION:
      return 'spot-termination';
    default:
      return undefined;
  }
}

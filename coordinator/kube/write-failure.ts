import { KubeResponseError } from '../../common/kube/transport.ts';

/**
 * What a failed write to an object means. `gone`: the object is not there any more, or another has its name now (its UID
 * differs). `changed`: somebody else wrote first. `invalid`: no retry can heal it. `retryable`: everything else, a missing
 * permission included, which an administrator may grant.
 */
export type WriteFailure = 'gone' | 'changed' | 'invalid' | 'retryable';

export function writeFailure(error: unknown): WriteFailure {
  if (!(error instanceof KubeResponseError)) return 'retryable';
  switch (error.status) {
    case 404:
      return 'gone';
    case 409:
      // The API server has one code for both; only its text tells them apart.
      return /UID in (the )?precondition/i.test(error.message) ? 'gone' : 'changed';
    case 422:
      return error.message.includes('metadata.uid: Invalid value') ? 'gone' : 'invalid';
    case 400:
    case 413:
    case 415:
      return 'invalid';
    default:
      return 'retryable';
  }
}

import type { CloudErrorEntry } from '../cloud/error-catalogue.ts';
import type { CloudError } from '../cloud/types.ts';

/** An error that no answer of CLB is, but that follows from several. */
export function cloudErrorOf(
  entry: CloudErrorEntry,
  told: { readonly action: string; readonly message: string },
): CloudError {
  return {
    class: entry.class,
    blames: entry.blames,
    code: entry.code,
    cloudCode: '',
    requestId: '',
    hint: entry.fix,
    outcomeUnknown: entry.outcomeUnknown === true,
    notFound: entry.notFound === true,
    ...told,
  };
}

/** What a log line tells of an error of the cloud. */
export function loggedError({ code, cloudCode, action, message, requestId }: CloudError): Record<string, unknown> {
  return { code, cloudCode, action, message, requestId };
}

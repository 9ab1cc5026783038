import { ReportChannelError } from '../../common/report-transport.ts';
import { type Check, CheckError } from './check.ts';

export interface CoordinatorChecksOptions {
  readonly coordinator: string;
  readonly resolve: (signal: AbortSignal) => Promise<readonly string[]>;
  /** Resolves when the coordinator at the address took the token. @throws ReportChannelError */
  readonly attempt: (address: string, signal: AbortSignal) => Promise<void>;
}

const REACH =
  'see that the coordinators run, that the name is their headless Service, and that network policies let this node reach them';
const TOKEN =
  "see the rows of authority and token; the token's ServiceAccount must be the one that the coordinators' options name";
const AUTHORITY = 'give --coordinator-ca-file the ConfigMap clb-direct-ca that the coordinators keep up to date';

/** Takes the name for what it stands for now, and every coordinator behind it. */
export function coordinatorCheck({ coordinator, resolve, attempt }: CoordinatorChecksOptions): Check {
  return {
    name: 'coordinators',
    remedy: REACH,
    look: async signal => {
      const addresses = [...new Set(await resolve(signal))];
      if (addresses.length === 0) throw new CheckError(`${coordinator} stands for no address`, REACH);
      const attempts = await Promise.allSettled(addresses.map(address => attempt(address, signal)));
      const failures = attempts.flatMap((result, index) =>
        result.status === 'rejected' ? [{ address: addresses[index] ?? '', error: result.reason as unknown }] : [],
      );
      const [failure] = failures;
      if (failure) throw failureOf(failure, `${failures.length} of ${addresses.length} failed`);
      return `${addresses.join(', ')} took our token`;
    },
  };
}

function failureOf({ address, error }: { address: string; error: unknown }, share: string): CheckError {
  const cause = `${share}, ${address}: ${error instanceof Error ? error.message : error}`;
  if (error instanceof ReportChannelError && error.kind === 'unauthenticated') return new CheckError(cause, TOKEN);
  return new CheckError(cause, /certificate|altnames/i.test(cause) ? AUTHORITY : REACH);
}

import type { Clock } from '../../common/clock.ts';
import type { Logger } from '../../common/logger.ts';
import { OptionError } from '../../common/options.ts';
import type { Random } from '../../common/random.ts';
import { unixConnector } from './dbus/unix-connector.ts';
import { httpMetadata } from './http-metadata.ts';
import { shutdownNotice } from './shutdown-notice.ts';
import type { NodeSignSource } from './sign-source.ts';
import { spotNotice } from './spot-notice.ts';

/** In place of an address: this source is not asked. */
const NONE = 'none';

export interface SignSourcesOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** The system bus's socket, or `none`. */
  readonly dbusSocket: string;
  /** Host, or host and port, of the cloud's metadata service, or `none`. */
  readonly metadataAddress: string;
}

/** What tells a real node that it ends, besides its Node object. @throws OptionError when the address is none. */
export function signSources({ dbusSocket, metadataAddress, ...parts }: SignSourcesOptions): NodeSignSource[] {
  if (!URL.canParse(`http://${metadataAddress}`)) {
    throw new OptionError(`--metadata-address: '${metadataAddress}' must be host, host:port or ${NONE}`);
  }
  const sources: NodeSignSource[] = [];
  if (dbusSocket !== NONE) sources.push(shutdownNotice({ ...parts, bus: unixConnector(dbusSocket) }));
  if (metadataAddress !== NONE) sources.push(spotNotice({ ...parts, metadata: httpMetadata(metadataAddress) }));
  return sources;
}

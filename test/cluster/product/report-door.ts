/** What a coordinator says to whoever comes with a token, as an agent does. */
import { writeFileSync } from 'node:fs';
import { grpcReportConnector } from '../../../agent/report/grpc-connector.ts';
import { type Clock, systemClock } from '../../../common/clock.ts';
import { deadline } from '../../../common/deadline.ts';
import { ReportChannelError } from '../../../common/report-transport.ts';
import { ports } from './names.ts';

const ANSWER_TIMEOUT_MS = 10_000;

export interface ReportDoor {
  /** `welcome`, or why not. */
  knock(token: string, nodeName: string): Promise<string>;
}

/** @param options.tokenFile is written for each knock. */
export function reportDoor(options: {
  readonly address: string;
  readonly authorityFile: string;
  readonly tokenFile: string;
  readonly clock?: Clock;
}): ReportDoor {
  const { address: host, authorityFile: certificateAuthorityFile, tokenFile, clock = systemClock() } = options;
  const connector = grpcReportConnector({ host, port: ports.grpc, certificateAuthorityFile, tokenFile });
  return {
    async knock(token, nodeName) {
      writeFileSync(tokenFile, token, { mode: 0o600 });
      using limit = deadline(clock, 'an answer to a Hello', ANSWER_TIMEOUT_MS);
      const channel = await connector.connect(`${host}:${ports.grpc}`, limit.signal);
      const hello = { nodeName, epoch: 'knocking', agentVersion: 'test', startedAtMs: clock.wallNow() };
      channel.send({ message: { $case: 'hello', value: hello } });
      try {
        for await (const { message } of channel.received()) return message?.$case ?? 'nothing that is known';
        return 'the end of the stream';
      } catch (error) {
        if (error instanceof ReportChannelError) return error.message;
        throw error;
      } finally {
        channel.close();
      }
    },
  };
}

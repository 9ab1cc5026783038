/** One request that an nginx of the cluster has answered, in nginx's own words. */
export interface LoggedRequest {
  /** Seconds since the Unix epoch at which the answer was complete. */
  readonly atSeconds: number;
  readonly pod: string;
  readonly client: string;
  readonly path: string;
  readonly status: number;
  /** `OK` when the whole answer was sent, empty when the connection broke before. */
  readonly completion: string;
  readonly tookSeconds: number;
}

/** The JSON in a line of syslog; undefined when there is none. */
export function requestLine(message: string): string | undefined {
  const begin = message.indexOf('{');
  return begin < 0 ? undefined : `${message.slice(begin).trimEnd()}\n`;
}

export function parseRequestLog(text: string): LoggedRequest[] {
  const lines = text.split('\n').filter(line => line !== '');
  return lines.map(line => JSON.parse(line) as LoggedRequest);
}

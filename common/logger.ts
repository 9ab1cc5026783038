export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Variable data of a record; an error stands under `error`, durations end in `Ms`. */
export type LogFields = Readonly<Record<string, unknown>>;

/**
 * Messages are constant sentences without final stop; what varies is in `fields`. `warn` asks a human to look, `error`
 * to act.
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every record; `component` names the part that speaks. */
  child(fields: LogFields): Logger;
}

/** Says nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};

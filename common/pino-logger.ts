import { type DestinationStream, type Logger as PinoInstance, pino } from 'pino';
import type { LogFields, Logger, LogLevel } from './logger.ts';

export interface PinoLoggerOptions {
  /** The lowest level that is written. */
  readonly level: LogLevel;
  /** Where lines go; default standard output, written at once so that nothing is lost when the process ends. */
  readonly destination?: DestinationStream;
}

/** One JSON object a line: `level`, `time` (ISO 8601), the fields, `message`. */
export function pinoLogger(options: PinoLoggerOptions): Logger {
  const instance = pino(
    {
      level: options.level,
      messageKey: 'message',
      // Process id and host name say nothing in a container.
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      serializers: { error: serializeError },
    },
    options.destination ?? pino.destination({ dest: 1, sync: true }),
  );
  return wrap(instance);
}

function wrap(instance: PinoInstance): Logger {
  const write = (level: LogLevel) => (message: string, fields?: LogFields) => instance[level](fields ?? {}, message);
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: fields => wrap(instance.child(fields)),
  };
}

function serializeError(error: unknown): unknown {
  return error instanceof Error ? pino.stdSerializers.err(error) : String(error);
}

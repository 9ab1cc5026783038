import type { LogFields, Logger, LogLevel } from './logger.ts';

export interface LogRecord {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** For tests: keeps every record, those of its children included, in the order they came. */
export class CollectingLogger implements Logger {
  readonly records: LogRecord[];
  readonly #fields: LogFields;

  constructor(fields: LogFields = {}, records: LogRecord[] = []) {
    this.#fields = fields;
    this.records = records;
  }

  /** The messages of one level. */
  messages(level: LogLevel): readonly string[] {
    return this.records.filter(record => record.level === level).map(record => record.message);
  }

  debug(message: string, fields?: LogFields): void {
    this.#keep('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#keep('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#keep('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#keep('error', message, fields);
  }

  child(fields: LogFields): CollectingLogger {
    return new CollectingLogger({ ...this.#fields, ...fields }, this.records);
  }

  #keep(level: LogLevel, message: string, fields: LogFields | undefined): void {
    this.records.push({ level, message, fields: { ...this.#fields, ...fields } });
  }
}

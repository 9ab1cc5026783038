import { type DbusMessage, encodeMessage, firstValue, stringBody } from './dbus/dbus-message.ts';

const BUS = { destination: 'org.freedesktop.DBus', path: '/org/freedesktop/DBus', interface: 'org.freedesktop.DBus' };
const LOGIND = 'org.freedesktop.login1';
const LOGIND_PATH = '/org/freedesktop/login1';
const MANAGER = 'org.freedesktop.login1.Manager';
const SIGNAL = 'PrepareForShutdown';
const MATCH = `type='signal',sender='${LOGIND}',path='${LOGIND_PATH}',interface='${MANAGER}',member='${SIGNAL}'`;
const HELLO = 1;
const ADD_MATCH = 2;
const GET = 3;
/** Signals whose sender was asked for; logind sends one per shutdown. */
const UNPROVEN_MAX = 16;

/** The bus refused what listening needs. */
class DbusRefusedError extends Error {
  override readonly name = 'DbusRefusedError';
}

/**
 * What is said on one connection to the system bus in order to hear whether logind prepares the machine's shutdown. Any
 * local process may send the signal straight to us, so one counts only when the bus says that its sender is logind.
 */
export class LogindConversation {
  readonly #onPreparing: (isPreparing: boolean) => void;
  readonly #unproven = new Map<number, { readonly sender: string; readonly isPreparing: boolean }>();
  #serial = GET;
  #isListening = false;
  #hasLogind = false;

  constructor(onPreparing: (isPreparing: boolean) => void) {
    this.#onPreparing = onPreparing;
  }

  /** The bus will tell us from now on. */
  get isListening(): boolean {
    return this.#isListening;
  }

  /** There is a logind that said how things are. */
  get hasLogind(): boolean {
    return this.#hasLogind;
  }

  /** What is sent first: the signal is subscribed to before the present state is asked for, so that nothing is missed. */
  opening(): Buffer {
    const properties = { destination: LOGIND, path: LOGIND_PATH, interface: 'org.freedesktop.DBus.Properties' };
    return Buffer.concat([
      call({ ...BUS, serial: HELLO, member: 'Hello' }),
      call({ ...BUS, serial: ADD_MATCH, member: 'AddMatch' }, MATCH),
      call({ ...properties, serial: GET, member: 'Get' }, MANAGER, 'PreparingForShutdown'),
    ]);
  }

  /** @returns what is to be sent now. @throws DbusRefusedError, DbusFormatError */
  receive(message: DbusMessage): Buffer | undefined {
    switch (message.type) {
      case 'signal':
        return this.#hear(message);
      case 'return':
        this.#answered(message);
        return undefined;
      case 'error':
        this.#refused(message);
        return undefined;
      case 'call':
      case 'unknown':
        return undefined;
    }
  }

  #hear(message: DbusMessage): Buffer | undefined {
    const { sender, member, interface: of } = message;
    if (of !== MANAGER || member !== SIGNAL || !sender || this.#unproven.size >= UNPROVEN_MAX) return undefined;
    const isPreparing = firstValue(message);
    if (typeof isPreparing !== 'boolean') return undefined;
    this.#serial += 1;
    this.#unproven.set(this.#serial, { sender, isPreparing });
    return call({ ...BUS, serial: this.#serial, member: 'GetNameOwner' }, LOGIND);
  }

  #answered(message: DbusMessage): void {
    const { replySerial = 0 } = message;
    if (replySerial === ADD_MATCH) this.#isListening = true;
    if (replySerial === GET) this.#tell(firstValue(message));
    const heard = this.#unproven.get(replySerial);
    this.#unproven.delete(replySerial);
    if (heard && firstValue(message) === heard.sender) this.#tell(heard.isPreparing);
  }

  #tell(isPreparing: boolean | string | undefined): void {
    if (typeof isPreparing !== 'boolean') return;
    this.#hasLogind = true;
    this.#onPreparing(isPreparing);
  }

  /** A bus without logind is no failure: one that comes later is heard. */
  #refused({ replySerial = 0, errorName = 'no reason' }: DbusMessage): void {
    this.#unproven.delete(replySerial);
    if (replySerial === HELLO || replySerial === ADD_MATCH) throw new DbusRefusedError(`the bus refuses: ${errorName}`);
  }
}

function call(
  header: Required<Pick<DbusMessage, 'destination' | 'path' | 'interface' | 'member' | 'serial'>>,
  ...args: string[]
) {
  return encodeMessage({ ...header, type: 'call', ...stringBody(...args) });
}

import { Backoff } from '../../common/backoff.ts';
import { type Clock, sleep } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import type { Logger } from '../../common/logger.ts';
import type { Random } from '../../common/random.ts';
import { NodeSignKind } from '../../proto/gen/clbdirect/v1/report.ts';
import type { ByteConnector, ByteStream } from './dbus/byte-stream.ts';
import { dbusMessages } from './dbus/dbus-messages.ts';
import { LogindConversation } from './logind-conversation.ts';
import type { NodeSignSource, Sign } from './sign-source.ts';

export interface ShutdownNoticeOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** To the machine's system bus. */
  readonly bus: ByteConnector;
}

type Tell = (signs: readonly Sign[]) => void;

const SHUTDOWN: Sign = { kind: NodeSignKind.SHUTDOWN, detail: 'logind prepares the shutdown of the machine' };
/** From the connection to the bus's word that it will tell us. */
const LISTENING_TIMEOUT_MS = 5_000;
/** Many nodes have no bus that a Pod can reach: they are asked once a minute. */
const BACKOFF = { initialMs: 1_000, maximumMs: 60_000, resetAfterMs: 120_000 };

/** Listens to logind, which announces the machine's shutdown before it begins to stop anything. */
export function shutdownNotice(options: ShutdownNoticeOptions): NodeSignSource {
  return new ShutdownNotice(options);
}

class ShutdownNotice implements NodeSignSource {
  readonly name = 'logind';
  readonly #options: ShutdownNoticeOptions;
  #description = 'the system bus was not asked yet';

  constructor(options: ShutdownNoticeOptions) {
    this.#options = options;
  }

  describe(): string {
    return this.#description;
  }

  async run(tell: Tell, signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options;
    const backoff = new Backoff({ ...BACKOFF, clock, random });
    while (!signal.aborted) {
      try {
        await this.#listen(tell, signal);
        this.#say('the system bus closed the connection');
      } catch (error) {
        this.#say(`shutdown is not heard of: ${error instanceof Error ? error.message : error}`);
      }
      await sleep(clock, backoff.nextDelayMs(), signal).catch(() => undefined);
    }
  }

  /** Resolves when the bus closes the connection. */
  async #listen(tell: Tell, signal: AbortSignal): Promise<void> {
    const limit = deadline(this.#options.clock, 'connecting to the system bus', LISTENING_TIMEOUT_MS, signal);
    try {
      const stream = await this.#options.bus.connect(limit.signal);
      using _stopping = closeOnAbort(stream, signal);
      using _expiring = closeOnAbort(stream, limit.signal);
      await this.#converse(stream, tell, () => limit[Symbol.dispose]());
      limit.signal.throwIfAborted();
    } catch (error) {
      // A stream that was closed for this reason breaks with a poorer one.
      limit.signal.throwIfAborted();
      throw error;
    } finally {
      limit[Symbol.dispose]();
    }
  }

  async #converse(stream: ByteStream, tell: Tell, onListening: () => void): Promise<void> {
    const conversation = new LogindConversation(isPreparing => tell(isPreparing ? [SHUTDOWN] : []));
    try {
      for await (const message of dbusMessages(stream, conversation.opening())) {
        const answer = conversation.receive(message);
        if (answer) stream.write(answer);
        if (!conversation.isListening) continue;
        onListening();
        this.#say(conversation.hasLogind ? 'listens to logind' : 'listens, but no logind answers');
      }
    } finally {
      stream.close();
    }
  }

  #say(description: string): void {
    if (description === this.#description) return;
    this.#description = description;
    this.#options.log.debug('shutdown notice', { description });
  }
}

function closeOnAbort(stream: ByteStream, signal: AbortSignal): Disposable {
  const close = () => stream.close();
  if (signal.aborted) close();
  signal.addEventListener('abort', close, { once: true });
  return { [Symbol.dispose]: () => signal.removeEventListener('abort', close) };
}

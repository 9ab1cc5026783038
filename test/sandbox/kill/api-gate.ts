import type { KubeApi } from '../../../sandbox/cluster/start-sandbox.ts';
import type { KubeUser } from '../../../sandbox/kube/api/user.ts';

type Callers = (user: KubeUser | undefined) => boolean;

/**
 * Holds what some callers ask of the API server, and what their watches would tell them, as a server does that has
 * been stopped: their connections stay, and what they asked is done when it goes on, whether or not they still wait.
 */
export class ApiGate {
  #held: Callers = () => false;
  #opened = Promise.withResolvers<void>();

  hold(callers: Callers): void {
    this.#held = callers;
  }

  release(): void {
    this.#held = () => false;
    this.#opened.resolve();
    this.#opened = Promise.withResolvers();
  }

  wrap(api: KubeApi): KubeApi {
    const open = async (user: KubeUser | undefined) => {
      while (this.#held(user)) await this.#opened.promise;
    };
    return {
      request: async (user, request) => {
        await open(user);
        return api.request(user, request);
      },
      openWatch: (user, request) => {
        const opened = api.openWatch(user, request);
        if (opened.state === 'refused') return opened;
        return {
          state: 'open',
          async *start(signal) {
            for await (const event of opened.start(signal)) {
              await open(user);
              yield event;
            }
          },
        };
      },
    };
  }
}

import type { NodeSignSource, Sign } from '../../agent/node/sign-source.ts';
import { aborted } from '../../common/aborted.ts';

/** What a machine says of its own end, as all agents on it hear it. */
export class ScriptedSigns {
  readonly #listeners = new Set<(signs: readonly Sign[]) => void>();
  #signs: readonly Sign[] = [];

  /** From now on these, and no others, announce the node's end. */
  announce(signs: readonly Sign[]): void {
    this.#signs = signs;
    for (const tell of this.#listeners) tell(signs);
  }

  /** @param awake whatever is told waits for it */
  source(awake: () => Promise<void>): NodeSignSource {
    return {
      name: 'scripted',
      describe: () => 'hears whatever the scenario announces',
      run: async (tell, signal) => {
        const listener = (signs: readonly Sign[]) => void awake().then(() => tell(signs));
        this.#listeners.add(listener);
        if (this.#signs.length > 0) listener(this.#signs);
        await aborted(signal);
        this.#listeners.delete(listener);
      },
    };
  }
}

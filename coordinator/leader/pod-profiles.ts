import type { PodProfile } from '../kube/pod-profile.ts';

/** Templates; what more there are of is not told apart any longer. */
const PROFILES_MAX = 10_000;

/** What is known of Pods beside what agents report; Pods of one template share one profile. */
export class PodProfiles {
  readonly #byPodUid = new Map<string, PodProfile>();
  readonly #byText = new Map<string, PodProfile>();

  learn(podUid: string, profile: PodProfile): void {
    const text = JSON.stringify(profile);
    const known = this.#byText.get(text);
    if (!known && this.#byText.size >= PROFILES_MAX) this.#byText.clear();
    if (!known) this.#byText.set(text, profile);
    this.#byPodUid.set(podUid, known ?? profile);
  }

  of(podUid: string): PodProfile | undefined {
    return this.#byPodUid.get(podUid);
  }

  /** The Pod is gone. */
  forget(podUid: string): void {
    this.#byPodUid.delete(podUid);
  }
}

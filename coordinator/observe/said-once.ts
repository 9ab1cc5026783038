const SUBJECTS_MAX = 50_000;

/** Tells what is said about a subject apart from what was said about it last. Of too many subjects the oldest is forgotten. */
export class SaidOnce {
  readonly #said = new Map<string, string>();

  /** @returns whether this is something else than was said about the subject before */
  isNews(subject: string, text: string): boolean {
    if (this.#said.get(subject) === text) return false;
    this.#said.delete(subject);
    this.#said.set(subject, text);
    const [oldest] = this.#said.keys();
    if (this.#said.size > SUBJECTS_MAX && oldest !== undefined) this.#said.delete(oldest);
    return true;
  }

  forget(subject: string): void {
    this.#said.delete(subject);
  }
}

const NONE: ReadonlySet<string> = new Set();

/** Which claimable object refers to which other objects, so that it is looked at again when one of those changes. */
export class References {
  readonly #namedBy = new Map<string, ReadonlySet<string>>();
  readonly #usersOf = new Map<string, Set<string>>();

  /** All that the object refers to now; none takes back what it had. */
  set(user: string, named: ReadonlySet<string>): void {
    for (const name of this.#namedBy.get(user) ?? NONE) if (!named.has(name)) this.#unlink(name, user);
    for (const name of named) {
      const users = this.#usersOf.get(name);
      if (users) users.add(user);
      else this.#usersOf.set(name, new Set([user]));
    }
    if (named.size > 0) this.#namedBy.set(user, named);
    else this.#namedBy.delete(user);
  }

  usersOf(name: string): ReadonlySet<string> {
    return this.#usersOf.get(name) ?? NONE;
  }

  #unlink(name: string, user: string): void {
    const users = this.#usersOf.get(name);
    users?.delete(user);
    if (users?.size === 0) this.#usersOf.delete(name);
  }
}

import type { LoginAnswer } from "../api/types";

/**
 * The signed-in session. Lives in sessionStorage: gone with the tab, never sent by the browser on its own,
 * so no request can be forged from another site.
 */
export interface Session extends LoginAnswer {}

const storageKey = "aal.session";

type Listener = () => void;

class Credentials {
  #session: Session | null;
  #expired = false;
  readonly #listeners = new Set<Listener>();

  constructor() {
    this.#session = read();
  }

  /** The session, or null when nobody is signed in. Stable between changes. */
  current = (): Session | null => this.#session;

  /** True when the last session ended by itself and not by signing out. */
  get expired(): boolean {
    return this.#expired;
  }

  signIn(answer: LoginAnswer): void {
    this.#expired = false;
    this.#set(answer);
  }

  signOut(): void {
    this.#expired = false;
    this.#set(null);
  }

  expire(): void {
    if (!this.#session) return;
    this.#expired = true;
    this.#set(null);
  }

  subscribe = (listener: Listener): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  #set(session: Session | null): void {
    this.#session = session;
    if (session) sessionStorage.setItem(storageKey, JSON.stringify(session));
    else sessionStorage.removeItem(storageKey);
    for (const listener of this.#listeners) listener();
  }
}

function read(): Session | null {
  const stored = globalThis.sessionStorage?.getItem(storageKey);
  if (!stored) return null;
  try {
    const session = JSON.parse(stored) as Session;
    return typeof session.token === "string" && session.user ? session : null;
  } catch {
    return null;
  }
}

export const credentials = new Credentials();

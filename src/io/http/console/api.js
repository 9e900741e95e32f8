// Owns the way to the server: requests, their errors as problems in plain words, and the stream of events.

import { t, has } from './i18n.js';

/** What the server, or the way to it, had against a request. */
export class Problem extends Error {
  constructor(status, body) {
    super(body?.detail ?? body?.title ?? String(status));
    this.status = status;
    this.code = body?.code ?? '';
    this.detail = body?.detail ?? '';
  }

  /** What happened and what to do, in the chosen language. */
  words() {
    for (const key of [`problem.${this.code}`, `problem.${this.status}`]) if (has(key)) return t(key);
    return this.status >= 500 ? t('problem.5xx') : t('problem.other');
  }
}

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, { credentials: 'same-origin', cache: 'no-store', ...options });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new Problem(0, null);
  }
  if (answer.ok) return answer;
  const body = await answer.json().catch(() => null);
  throw new Problem(answer.status, body);
}

/** Reads what is at a path; `query` leaves out what is empty. */
export async function get(path, query = {}, signal = undefined) {
  const search = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '' && value != null));
  const answer = await ask(search.size ? `${path}?${search}` : path, { signal, headers: { accept: 'application/json' } });
  return answer.json();
}

/** Sends `body`; answers what the server says. */
export async function post(path, body, headers = {}) {
  const answer = await ask(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  return answer.json();
}

/** The path of one thing of a list. */
export const path = (...parts) => `/${parts.map(encodeURIComponent).join('/')}`;

/** Gives keys under which the same request, sent twice, counts once: another body gets another key. */
export function idempotencyKeys() {
  const keys = new Map();
  // Random bytes are to be had without a secure context too, a UUID is not.
  const made = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return (body) => {
    const text = JSON.stringify(body);
    if (!keys.has(text)) keys.set(text, made());
    return { 'idempotency-key': keys.get(text) };
  };
}

const RETRY_MS_MIN = 1000;
const RETRY_MS_MAX = 30000;

/**
 * The stream of what happens. Tells `alert`, `proposal` and `limit` with their data in `detail`, `gap` when something may have
 * been missed (so: read again), and `state` when `isLive` changes. Comes back by itself, later and later.
 */
export class Live extends EventTarget {
  isLive = false;
  #retryMs = RETRY_MS_MIN;
  #hadStream = false;

  /** Opens the stream. */
  start() {
    const source = new EventSource('/v1/events');
    source.onopen = () => {
      this.#retryMs = RETRY_MS_MIN;
      this.#become(true);
      if (this.#hadStream) this.dispatchEvent(new Event('gap'));
      this.#hadStream = true;
    };
    for (const kind of ['alert', 'proposal', 'limit']) {
      source.addEventListener(kind, (event) => {
        this.dispatchEvent(new CustomEvent(kind, { detail: JSON.parse(event.data) }));
      });
    }
    source.addEventListener('lost', () => this.dispatchEvent(new Event('gap')));
    source.onerror = () => {
      this.#become(false);
      // A broken connection the browser opens again by itself; an answer that is no stream it gives up on.
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(() => this.start(), this.#retryMs);
      this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
    };
  }

  /** Listens to some kinds until `signal` ends it. */
  on(kinds, listener, signal) {
    for (const kind of kinds) this.addEventListener(kind, listener, { signal });
  }

  #become(isLive) {
    if (this.isLive === isLive) return;
    this.isLive = isLive;
    this.dispatchEvent(new Event('state'));
  }
}

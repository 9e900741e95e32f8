// Owns what a person decides: the dialogs of a decision and of a snooze, and the following of a decision to its outcome.

import { Problem, get, idempotencyKeys, path, post } from './api.js';
import { h, newId, put } from './dom.js';
import { day, daysLater, exact, readMoney } from './format.js';
import { named, t } from './i18n.js';
import { field, problemNote } from './parts.js';

const FOLLOW_MS_MIN = 400;
const FOLLOW_MS_MAX = 3000;
const FOLLOW_MS_LIMIT = 120000;
// A decision that nothing has come of for so long has most likely come too late.
const LATE_MS = 20000;
const SNOOZE_DAYS = [1, 7, 14, 30];
const REASON_CHARS_MAX = 500;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));
const who = (item) => item.buyer_name ?? item.buyer_id;

/** The decisions of this page, from their sending to what came of them; a note of each stays until it is put away. */
export class Decisions {
  #app;
  #host;
  #notes = [];

  constructor(app, host) {
    this.#app = app;
    this.#host = host;
  }

  /** Asks for a decision on a proposal: approve, amend or reject. */
  decide(proposal, decision, done) {
    const needsReason = decision !== 'approve';
    const amount = decision === 'amend' && h('input', { type: 'text', inputmode: 'decimal', name: 'amount', autocomplete: 'off', required: true, value: proposal.proposed_limit });
    const understood = h('span', { class: 'hint', 'aria-live': 'polite' });
    if (amount) amount.addEventListener('input', () => put(understood, exact(readMoney(amount.value), proposal.currency)));
    const reason = h('textarea', { name: 'reason', rows: 3, maxlength: REASON_CHARS_MAX, required: needsReason });
    const change = t('decide.change', { from: exact(proposal.current_limit, proposal.currency), to: exact(proposal.proposed_limit, proposal.currency) });
    const keyOf = idempotencyKeys();
    dialog({
      title: t(`decide.${decision}.title`, { buyer: who(proposal) }), submit: t(`decide.${decision}`), tone: decision,
      body: [
        h('p', {}, change),
        proposal.approvals_needed > 1 && h('p', { class: 'note' }, t('decide.four_eyes', { n: proposal.approvals_needed - proposal.approvals.length })),
        amount && [field(t('decide.amount', { currency: proposal.currency }), amount), understood],
        field(t(needsReason ? 'decide.reason' : 'decide.reason_optional'), reason),
      ],
      send: async () => {
        const body = { decision };
        if (reason.value.trim()) body.reason = reason.value.trim();
        else if (needsReason) throw invalid(reason, 'decide.needs_reason');
        if (amount) body.amount = readMoney(amount.value) ?? fail(amount, 'decide.needs_amount');
        const written = await post(path('v1', 'proposals', proposal.proposal_id, 'decision'), body, { 'if-match': `"${proposal.version}"`, ...keyOf(body) });
        this.#follow(written.decision_id, proposal, decision, done);
      },
    });
  }

  /** Asks for how long an alert may be silent. */
  snooze(alert, done) {
    const today = (this.#app.me?.clock ?? new Date().toISOString()).slice(0, 10);
    const days = h('input', { type: 'number', name: 'days', min: 1, max: 365, step: 1, required: true, value: '7', inputmode: 'numeric' });
    const until = h('span', { class: 'hint', 'aria-live': 'polite' });
    const show = () => put(until, days.checkValidity() ? t('snooze.until', { day: day(daysLater(today, Number(days.value))) }) : '');
    days.addEventListener('input', show);
    const pick = (n) => {
      days.value = n;
      show();
    };
    show();
    const keyOf = idempotencyKeys();
    dialog({
      title: t('snooze.title'), submit: t('snooze'), tone: 'approve',
      body: [
        h('p', {}, `${who(alert)}: ${named('kind', alert.kind)}`),
        field(t('snooze.days'), days),
        h('div', { class: 'row' }, SNOOZE_DAYS.map((n) => h('button', { type: 'button', class: 'small', onclick: () => pick(n) }, t('days', { n })))),
        until,
      ],
      send: async () => {
        if (!days.checkValidity()) throw invalid(days, 'snooze.needs_days');
        const body = { until: daysLater(today, Number(days.value)) };
        await post(path('v1', 'alerts', alert.alert_id, 'snooze'), body, keyOf(body));
        this.#add({ tone: 'good', words: () => [t('snooze.done', { buyer: who(alert), kind: named('kind', alert.kind), day: day(body.until) })] });
        done?.();
      },
    });
  }

  async #follow(id, proposal, decision, done) {
    const note = { tone: 'waiting', state: 'sent', limit: null, words: () => outcomeWords(note, proposal, decision) };
    this.#add(note);
    const change = (fields) => {
      Object.assign(note, fields);
      this.draw();
      done?.();
    };
    const until = Date.now() + FOLLOW_MS_LIMIT;
    const late = setTimeout(() => change({ state: 'late', tone: 'bad' }), LATE_MS);
    const outcome = await this.#ask(until, async () => {
      const found = await get(path('v1', 'decisions', id));
      return found.state === 'pending' ? null : found;
    });
    clearTimeout(late);
    if (!outcome) return change({ state: 'late', tone: 'bad' });
    if (outcome.state === 'counted') return change({ state: 'counted', tone: 'good' });
    const isCut = ['approved', 'applied'].includes(outcome.outcome);
    // What closed it was another decision, or the time, where it is not what was decided here.
    if (isCut !== (decision !== 'reject') || !(isCut || outcome.outcome === 'rejected')) return change({ state: outcome.outcome, tone: 'bad', isLate: true });
    change({ state: outcome.outcome, tone: isCut ? 'waiting' : 'good' });
    if (!isCut) return;
    const limit = await this.#ask(until, () => this.#limitOf(proposal));
    change(limit ? { limit, tone: 'good' } : { tone: 'good' });
  }

  async #limitOf(proposal) {
    const { items } = await get('/v1/limit-changes', { buyer_id: proposal.buyer_id, limit: 20 });
    return items.find((item) => item.proposal_id === proposal.proposal_id) ?? null;
  }

  /** Asks again and again, more and more slowly, until there is an answer or the time is over. */
  async #ask(until, question) {
    for (let ms = FOLLOW_MS_MIN; Date.now() < until; ms = Math.min(ms * 1.5, FOLLOW_MS_MAX)) {
      await pause(ms);
      try {
        const answer = await question();
        if (answer) return answer;
      } catch (error) {
        // What is not there yet, or a server that is away, is asked again until the time is over.
        if (!(error instanceof Problem)) throw error;
      }
    }
    return null;
  }

  #add(note) {
    this.#notes.push(note);
    this.draw();
  }

  /** Draws the notes anew, in the chosen language. */
  draw() {
    this.#host.setAttribute('role', 'region');
    this.#host.setAttribute('aria-live', 'polite');
    this.#host.setAttribute('aria-label', t('decide.news'));
    put(this.#host, this.#notes.slice(-3).map((note) => h('div', { class: `card outcome ${note.tone}` },
      h('div', {}, note.words().map((line) => h('p', {}, line))),
      h('button', { type: 'button', class: 'small', 'aria-label': t('put_away'), onclick: () => this.#putAway(note) }, '×'))));
  }

  #putAway(note) {
    this.#notes = this.#notes.filter((other) => other !== note);
    this.draw();
    document.getElementById('heading')?.focus({ preventScroll: true });
  }
}

function outcomeWords(note, proposal, decision) {
  const lines = [h('strong', {}, `${who(proposal)} · ${t(`decide.${decision}.done`)}`)];
  lines.push(named('outcome', note.state));
  if (note.isLate) lines.push(t('outcome.too_late'));
  if (note.tone === 'bad') lines.push(h('a', { href: `#/buyers/${encodeURIComponent(proposal.buyer_id)}` }, t('outcome.look')));
  if (note.limit) {
    const { old_limit: old, new_limit: now, currency, effective_at: at } = note.limit;
    lines.push(h('span', { class: 'limit-change', 'data-limit': now ?? '' }, t('outcome.limit', { from: exact(old, currency), to: exact(now, currency), day: day(at) })));
  } else if (note.tone === 'waiting' && note.state !== 'sent') lines.push(t('outcome.limit_awaited'));
  return lines;
}

class Invalid extends Error {}

function invalid(control, key) {
  control.setAttribute('aria-invalid', 'true');
  control.focus();
  return new Invalid(t(key));
}

function fail(control, key) {
  throw invalid(control, key);
}

/** A dialog with a form. What `send` throws is shown in it, and it stays open. */
function dialog({ title, body, submit, tone, send }) {
  const id = newId();
  const wrong = h('div', { 'aria-live': 'assertive' });
  const go = h('button', { type: 'submit', class: `main ${tone}` }, submit);
  const box = h('dialog', { 'aria-labelledby': id },
    h('form', { novalidate: true, onsubmit: sent }, h('h2', { id }, title), body, wrong,
      h('div', { class: 'row end' }, h('button', { type: 'button', onclick: () => box.close() }, t('cancel')), go)));
  async function sent(event) {
    event.preventDefault();
    put(wrong);
    go.disabled = true;
    try {
      await send();
      box.close();
    } catch (error) {
      put(wrong, error instanceof Invalid ? h('p', { class: 'note problem' }, error.message) : problemNote(error));
    } finally {
      go.disabled = false;
    }
  }
  box.addEventListener('close', () => box.remove());
  document.body.append(box);
  box.showModal();
}

// Owns the check of an order: may it be shipped, who would bear it, what stands in the way, what would help.

import { post } from '../api.js';
import { h, put } from '../dom.js';
import { baseCurrency, day, exact, instant, percent, readMoney } from '../format.js';
import { named, t } from '../i18n.js';
import { badge, card, facts, field, problemNote, quiet, stackedBar } from '../parts.js';
import { said } from '../reasons.js';

const ANSWER_TONES = { accept: 'good', refer: 'warning', reject: 'critical' };

export function orderCheck({ query, app }) {
  const input = (name, more = {}) => h('input', { name, type: 'text', autocomplete: 'off', ...more });
  const controls = {
    buyer_id: input('buyer_id', { required: true, value: query.get('buyer') ?? '' }),
    amount: input('amount', { required: true, inputmode: 'decimal' }),
    currency: input('currency', { required: true, maxlength: 3, value: baseCurrency(), class: 'code' }),
    order_id: input('order_id'),
    expected_on: input('expected_on', { type: 'date' }),
    due_on: input('due_on', { type: 'date' }),
  };
  const hold = h('input', { type: 'checkbox', name: 'hold', id: 'hold', onchange: () => { controls.order_id.required = hold.checked; } });
  const answer = h('div', { 'aria-live': 'polite', class: 'answer' }, quiet(t('answer_here')));
  const go = h('button', { type: 'submit', class: 'main' }, t('check'));
  async function sent(event) {
    event.preventDefault();
    const wrong = Object.values(controls).find((control) => !control.checkValidity());
    const amount = readMoney(controls.amount.value);
    if (wrong || !amount) {
      const control = wrong ?? controls.amount;
      control.setAttribute('aria-invalid', 'true');
      control.focus();
      return put(answer, h('p', { class: 'note problem', role: 'alert' }, t('check_incomplete', { field: control.labels[0].textContent })));
    }
    Object.values(controls).forEach((control) => control.removeAttribute('aria-invalid'));
    const body = { buyer_id: controls.buyer_id.value.trim(), amount, currency: controls.currency.value.trim().toUpperCase() };
    for (const name of ['order_id', 'expected_on', 'due_on']) if (controls[name].value) body[name] = controls[name].value;
    if (hold.checked) body.hold = true;
    go.disabled = true;
    try {
      put(answer, answered(await post('/v1/order-checks', body), body));
    } catch (error) {
      put(answer, problemNote(error));
    } finally {
      go.disabled = false;
    }
  }
  const form = h('form', { class: 'order', novalidate: true, onsubmit: sent },
    field(t('buyer_id'), controls.buyer_id), field(t('amount'), controls.amount), field(t('currency'), controls.currency),
    field(t('order_id'), controls.order_id, t(app.can('decide') ? 'needed_to_hold' : 'optional')), field(t('expected_on'), controls.expected_on, t('optional')), field(t('due_on'), controls.due_on, t('optional')),
    app.can('decide') && h('div', { class: 'check' }, hold, h('label', { for: 'hold' }, t('hold_order')), h('span', { class: 'hint' }, t('hold_hint'))),
    h('div', { class: 'row end' }, go));
  return { title: t('place.order-check'), children: [h('p', { class: 'quiet lead' }, t('check_lead')), h('div', { class: 'columns' }, card(t('the_order'), form), card(t('the_answer'), answer))] };
}

function answered(result, body) {
  const { insured } = result;
  const layers = ['single_risk', 'primary', 'top_up'].map((key) => ({ key, name: named('layer', key), amount: insured[key] }));
  return [
    h('p', { class: 'verdict' }, badge(t(`answer.${result.answer}`), ANSWER_TONES[result.answer]), h('span', {}, t(`answer.${result.answer}.note`))),
    result.hold && held(result.hold, body),
    facts([
      [t('headroom'), result.headroom == null ? t('no_limit') : exact(result.headroom)],
      [t('exposure_after'), exact(result.exposure_after)],
      [t('limit'), result.limit == null ? t('no_limit') : exact(result.limit)],
      [t('insured_share'), percent(Number(result.insured_pct) / 100, 1)],
    ]),
    h('h3', {}, t('who_would_bear', { amount: exact(body.amount, body.currency) })),
    stackedBar([...layers, { key: 'retained', name: t('not_insured'), amount: insured.uninsured }], t('insured_by_layer')),
    listed(t('obstacles'), 'obstacle', result.obstacles, t('no_obstacles')),
    listed(t('remedies'), 'remedy', result.remedies, null),
    quiet(t('as_of', { at: result.as_of?.length > 10 ? instant(result.as_of) : day(result.as_of) })),
  ];
}

/** What the engine says of the hold, or that it has not spoken in time. */
function held({ granted, decided, written }, body) {
  const [state, tone] = granted == null ? ['waiting', 'waiting'] : granted ? ['granted', 'good'] : ['refused', 'problem'];
  const values = { amount: exact(body.amount, body.currency), at: instant(decided?.expires_at) };
  return h('div', { class: `note held ${tone}`, 'data-hold': state },
    h('p', {}, h('strong', {}, t(`hold.${state}`)), ' ', granted !== false && t(`hold.${state}.note`, values)),
    granted === false && h('ul', {}, decided.why.map((why) => h('li', {}, h('strong', {}, named('obstacle', why.code)), ' · ', said(why)))),
    granted != null && !written && h('p', {}, t('hold.before')));
}

function listed(title, family, items, none) {
  if (!items?.length) return none && [h('h3', {}, title), quiet(none)];
  return [h('h3', {}, title), h('ul', { class: 'reasons' }, items.map((item) => h('li', {}, h('div', { class: 'grow' },
    h('strong', {}, named(family, item.code)), item.amount && [' ', h('span', { class: 'number' }, exact(item.amount))],
    h('span', { class: 'note' }, said(item))))))];
}

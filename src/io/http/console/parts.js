// Owns the parts that views are built of: badges, tiles, bars, tables, notes, and regions that load and keep themselves fresh.

import { h, put, svg, newId, unseen } from './dom.js';
import { named, t } from './i18n.js';
import { country, percent, whole } from './format.js';
import { Problem } from './api.js';

// A part of a page that somebody points at stays as it is for so long.
const POINTED_MS = 4000;
// A part of a page renews itself so often at most.
const RENEW_MS = 2500;
const SEVERITY_SHAPES = { critical: 'M6 1l5 5-5 5-5-5z', warning: 'M6 1l5.2 10H.8z', info: 'M6 1a5 5 0 1 0 .01 0z' };

/** A remark in small below something. */
export const note = (...words) => h('span', { class: 'note' }, ...words);

/** A paragraph in the background. */
export const quiet = (...words) => h('p', { class: 'quiet' }, ...words);

/** Words in the background. */
export const faint = (...words) => h('span', { class: 'quiet' }, ...words);

const fill = (colour) => ({ '--fill': `var(--${colour})` });

/** A spot of the colour of what a bar is made of. */
export const swatch = (key) => h('span', { class: `swatch fill fill-${key}`, style: fill(key), 'aria-hidden': 'true' });

/** How much an alert matters: a shape, a colour and a word. */
export function severity(name) {
  const shape = svg('svg', { viewBox: '0 0 12 12', class: 'shape', 'aria-hidden': 'true' }, svg('path', { d: SEVERITY_SHAPES[name] }));
  return h('span', { class: `badge ${name}` }, shape, named('severity', name));
}

/** A grade, with its score where there is one. */
export function grade(letter, score = null) {
  const chip = h('span', { class: 'grade fill', style: fill(`grade-${letter}`) }, unseen(`${t('grade')} `), letter);
  return score == null ? chip : h('span', { class: 'graded' }, chip, h('span', { class: 'number' }, score));
}

/** A badge with a word. */
export const badge = (text, kind = 'plain') => h('span', { class: `badge ${kind}` }, text);

/** The link to a buyer, by name where it has one. */
export function buyerLink(id, name) {
  const link = h('a', { href: `#/buyers/${encodeURIComponent(id)}`, 'data-k': `buyer-${id}` }, name ?? id);
  return name ? [link, h('span', { class: 'id' }, id)] : link;
}

/** A figure with its name, and what it means below. */
export function tile(name, value, remark = null, tone = '') {
  return h('div', { class: `tile ${tone}` }, h('dt', {}, name), h('dd', {}, h('span', { class: 'value' }, value), remark && note(remark)));
}

/** Tiles in a row. */
export const tiles = (...children) => h('dl', { class: 'tiles' }, ...children);

/** A section with a heading. */
export function card(title, ...children) {
  const id = newId();
  return h('section', { class: 'card', 'aria-labelledby': id }, h('h2', { id }, title), ...children);
}

/** Name and value pairs. */
export function facts(pairs) {
  return h('dl', { class: 'facts' }, pairs.filter(([, value]) => value != null).map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))));
}

/**
 * Parts of a whole as one bar with a legend that says the same in words. `parts`: {key, name, amount, note, mark}; what is zero is in
 * neither. The bar's parts carry their share where it fits.
 */
export function stackedBar(parts, label) {
  const shown = parts.filter((part) => Number(part.amount) > 0);
  const total = shown.reduce((sum, part) => sum + Number(part.amount), 0);
  if (total === 0) return quiet(t('nothing_here'));
  const share = (part) => Number(part.amount) / total;
  const some = (part) => (share(part) < 0.005 ? `< ${percent(0.01)}` : percent(share(part)));
  const bar = h('div', { class: 'stack', role: 'img', 'aria-label': `${label}: ${shown.map((part) => `${part.name} ${percent(share(part))}`).join(', ')}` },
    shown.map((part) => h('div', { class: `fill fill-${part.key}`, style: { 'flex-grow': String(share(part)), ...fill(part.key) } }, share(part) >= 0.12 && h('span', {}, percent(share(part))))));
  const legend = h('ul', { class: 'legend' }, shown.map((part) => h('li', {},
    swatch(part.key),
    h('span', { class: 'name' }, part.name, part.note && note(part.note)),
    h('span', { class: 'number' }, whole(part.amount)),
    h('span', { class: 'number quiet share' }, some(part)))));
  return [bar, legend];
}

/** The ages of what is open, as parts of a whole. */
export function ageing(row) {
  const ages = ['not_due', 'overdue_1_30', 'overdue_31_60', 'overdue_61_90', 'overdue_over_90'];
  return stackedBar(ages.map((age) => ({ key: age, name: t(`age.${age}`), amount: row[age] })), t('open_by_age'));
}

/** A horizontal bar of a table's cell: how much of the greatest. */
export function meter(share, kind = '', colour = null) {
  return h('span', { class: `meter ${kind}`, style: colour && fill(colour), 'aria-hidden': 'true' }, h('span', { style: { width: `${Math.max(0, Math.min(1, share)) * 100}%` } }));
}

/** How much of a limit is used. */
export function used(utilisation) {
  if (utilisation == null) return faint(t('no_limit'));
  const share = Number(utilisation);
  return h('span', { class: 'used' }, meter(share, share > 1 ? 'over' : share > 0.9 ? 'near' : ''), h('span', { class: 'number' }, percent(share)));
}

/**
 * A table. `columns`: {name, cell(item), sort: column name, kind: 'number'|'text'|'main'|'actions'}. `sorting`: {by, isDown, choose(column)}.
 * On a narrow screen each row becomes a card and each cell carries its column's name; roles are said outright so that they stay.
 */
export function table({ caption, columns, items, sorting, empty, key, rowClass }) {
  if (items.length === 0) return h('p', { class: 'quiet empty' }, empty ?? t('nothing_here'));
  const head = columns.map((column) => {
    const props = { role: 'columnheader', scope: 'col', class: column.kind };
    if (!sorting || !column.sort) return h('th', props, column.kind === 'actions' ? unseen(column.name) : column.name);
    const isBy = sorting.by === column.sort;
    const order = isBy ? (sorting.isDown ? 'descending' : 'ascending') : null;
    const arrow = h('span', { class: 'arrow', 'aria-hidden': 'true' }, isBy ? (sorting.isDown ? '▼' : '▲') : '↕');
    return h('th', { ...props, 'aria-sort': order }, h('button', { type: 'button', class: 'sort', 'data-k': `sort-${column.sort}`, onclick: () => sorting.choose(column.sort) }, column.name, arrow));
  });
  const rows = items.map((item) => h('tr', { role: 'row', class: rowClass?.(item), 'data-row': key?.(item) },
    columns.map((column) => h(column.kind === 'main' ? 'th' : 'td', {
      role: column.kind === 'main' ? 'rowheader' : 'cell', scope: column.kind === 'main' ? 'row' : null, class: column.kind, 'data-label': column.kind === 'actions' ? null : column.name,
    }, column.cell(item)))));
  return h('div', { class: 'scroll' }, h('table', { role: 'table', class: 'rows' },
    h('caption', { class: 'unseen' }, caption),
    h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, head)),
    h('tbody', { role: 'rowgroup' }, rows)));
}

/** The way to the page before and to the next. `turn(change)` makes a listener of a change of `cursors`. */
export function pager(cursors, next, turn) {
  const button = (name, change) => h('button', { type: 'button', 'data-k': name, onclick: turn(change) }, t(name));
  return h('nav', { class: 'row pages', 'aria-label': t('pages') },
    cursors.length > 1 && button('previous', () => cursors.pop()), next && button('next', () => cursors.push(next)));
}

/** A labelled field of a form. */
export function field(label, control, hint = null) {
  control.id ||= newId();
  const hintId = hint && newId();
  if (hint) control.setAttribute('aria-describedby', hintId);
  return h('div', { class: 'field' }, h('label', { for: control.id }, label), control, hint && h('span', { class: 'hint', id: hintId }, hint));
}

/** A choice of one out of several. `options`: [value, words]. */
export function select(name, options, value, onchange) {
  return h('select', { name, 'data-k': `select-${name}`, onchange: (event) => onchange?.(event.target.value) },
    options.map(([key, words]) => h('option', { value: key, selected: key === value }, words)));
}

/** A switch between views of the same thing: radio buttons that look like one bar. */
export function segmented(legend, name, options, value, onchange) {
  return h('fieldset', { class: 'segmented' }, h('legend', { class: 'unseen' }, legend), options.map(([key, words]) => {
    const id = newId();
    return [h('input', { type: 'radio', name, id, value: key, checked: key === value, 'data-k': `${name}-${key}`, onchange: () => onchange(key) }), h('label', { for: id }, words)];
  }));
}

/** What went wrong, in plain words, with what the server says beside it. */
export function problemNote(error, retry = null) {
  if (!(error instanceof Problem)) throw error;
  return h('div', { class: 'note problem', role: 'alert' },
    h('p', {}, h('strong', {}, error.words())),
    error.detail && h('p', { class: 'quiet', lang: 'en' }, error.detail),
    retry && h('button', { type: 'button', onclick: retry }, t('try_again')));
}

/**
 * A part of a page that loads itself. `load(signal)` reads, `draw(data)` makes elements. `refresh()` reads again and keeps focus and
 * what was unfolded. `renew()` does so too, at its leisure: not while somebody decides or moves the pointer there, nor, with `onheld`,
 * while focus is there; how often it was asked meanwhile, it tells `onheld(n)`.
 */
export function region({ load, draw, signal, onheld = null, label = null }) {
  const host = h('div', { class: 'region', 'aria-busy': 'true', role: label ? 'region' : null, 'aria-label': label }, h('p', { class: 'quiet loading' }, t('loading')));
  let turn = 0;
  let heldCount = 0;
  let pointedAt = -Infinity;
  host.addEventListener('pointermove', () => { pointedAt = performance.now(); });
  host.addEventListener('pointerdown', () => { pointedAt = performance.now(); });
  const isInUse = () => document.querySelector('dialog[open]') || performance.now() - pointedAt < POINTED_MS || (onheld && host.contains(document.activeElement));
  async function refresh() {
    const mine = ++turn;
    heldCount = 0;
    onheld?.(0);
    try {
      const data = await load(signal);
      if (mine === turn && !signal.aborted) keepPlace(host, () => put(host, draw(data)));
    } catch (error) {
      if (signal.aborted || error.name === 'AbortError') return;
      if (mine === turn) put(host, problemNote(error, refresh));
    } finally {
      if (mine === turn) host.setAttribute('aria-busy', 'false');
    }
  }
  function renew() {
    heldCount += 1;
    settle();
  }
  function settle() {
    if (document.hidden || heldCount === 0) return;
    if (!isInUse()) return void refresh();
    onheld?.(heldCount);
    later();
  }
  const later = throttled(settle, POINTED_MS, signal);
  document.addEventListener('visibilitychange', settle, { signal });
  host.refresh = refresh;
  host.renew = throttled(renew, RENEW_MS, signal);
  refresh();
  return host;
}

/** Changes an element and puts focus back, and unfolds again what was, by `data-k`. */
function keepPlace(host, change) {
  const focused = host.contains(document.activeElement) ? document.activeElement.closest('[data-k]')?.dataset.k : null;
  const unfolded = [...host.querySelectorAll('details[open][data-k]')].map((details) => details.dataset.k);
  change();
  for (const details of host.querySelectorAll('details[data-k]')) if (unfolded.includes(details.dataset.k)) details.open = true;
  const found = focused && [...host.querySelectorAll('[data-k]')].find((element) => element.dataset.k === focused);
  (found?.querySelector('summary') ?? found)?.focus({ preventScroll: true });
}

/** Calls at most once in `ms`, the last call always. */
export function throttled(action, ms, signal) {
  let timer = null;
  let last = 0;
  const run = () => {
    timer = null;
    last = Date.now();
    if (!signal?.aborted) action();
  };
  return () => {
    timer ??= setTimeout(run, Math.max(0, last + ms - Date.now()));
  };
}

/** Calls every so often while the page is seen, until `signal` ends it. */
export function every(ms, action, signal) {
  const timer = setInterval(() => !document.hidden && action(), ms);
  signal.addEventListener('abort', () => clearInterval(timer));
}

/** What a group of the portfolio is called. */
export function groupName(by, group) {
  if (!group.key) return t('not_said');
  if (by === 'country') return country(group.key);
  if (by === 'segment') return named('segment', group.key);
  return group.name ?? group.key;
}


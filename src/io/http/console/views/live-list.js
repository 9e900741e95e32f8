// Owns what the lists of alerts and of proposals share: filters in the address, pages, and renewal that does not disturb the reader.

import { get } from '../api.js';
import { h, put } from '../dom.js';
import { count } from '../format.js';
import { t } from '../i18n.js';
import { every, pager, quiet, region, table } from '../parts.js';

const PAGE = 50;
const REFRESH_MS = 20000;
const NEW_MS = 6000;

/**
 * A list that follows an event. While the reader points or types in it, or has stopped it, it stays as it is and says how many
 * changes wait.
 */
export function liveList({ title, query, app, signal, address, event, itemId, empty, filters, form, columns }) {
  const asked = Object.fromEntries(Object.entries(filters).map(([name, value]) => [name, query.get(name) ?? value]));
  let cursors = [null];
  let known = null;
  let isStopped = false;
  const waiting = h('button', { type: 'button', class: 'small waiting', hidden: true, onclick: () => list.refresh() });
  const stop = h('button', { type: 'button', class: 'small', 'aria-pressed': 'false', onclick: toggle }, t('hold_list'));
  const onheld = (n) => {
    waiting.hidden = n === 0;
    waiting.textContent = t('n_changes', { n });
  };
  let heldWhileStopped = 0;
  function toggle() {
    isStopped = !isStopped;
    stop.setAttribute('aria-pressed', String(isStopped));
    stop.textContent = t(isStopped ? 'resume_list' : 'hold_list');
    heldWhileStopped = 0;
    if (!isStopped) list.refresh();
  }
  const load = () => get(address, { ...asked, limit: PAGE, cursor: cursors.at(-1) }, signal);
  const list = region({ signal, onheld, load, draw, label: title });
  const renew = () => (isStopped ? onheld(++heldWhileStopped) : list.renew());
  app.live.on([event, 'gap'], renew, signal);
  every(REFRESH_MS, () => isStopped || list.renew(), signal);
  function draw({ items, next, total }) {
    const before = known;
    known = new Set(items.map((item) => item[itemId]));
    const at = (cursors.length - 1) * PAGE;
    const turn = (change) => () => {
      change();
      known = null;
      list.refresh();
    };
    setTimeout(() => list.querySelectorAll('tr.new').forEach((row) => row.classList.remove('new')), NEW_MS);
    return [
      total > 0 && quiet(t('page_of', { from: count(at + 1), to: count(Math.min(at + PAGE, total)), n: total })),
      table({ caption: title, items, columns: columns(() => list.refresh()), empty, key: (item) => item[itemId], rowClass: (item) => (before && !before.has(item[itemId]) ? 'new' : null) }),
      pager(cursors, next, turn),
    ];
  }
  const change = (name) => (value) => {
    asked[name] = value;
    cursors = [null];
    known = null;
    app.remember(Object.fromEntries(Object.entries(asked).filter(([key, text]) => text !== filters[key])));
    list.refresh();
  };
  const bar = h('form', { class: 'filters', onsubmit: (submitted) => submitted.preventDefault() });
  put(bar, form(asked, change), h('div', { class: 'row end grow' }, waiting, stop));
  return { title, children: [bar, list] };
}

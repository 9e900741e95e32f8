// Owns the table of buyers: filter, search, sort, page.

import { get } from '../api.js';
import { h } from '../dom.js';
import { count, country, decimal, whole } from '../format.js';
import { named, t } from '../i18n.js';
import { buyerLink, every, faint, field, grade, groupName, pager, quiet, region, select, severity, table, throttled, used } from '../parts.js';

const FILTERS = ['q', 'segment', 'grade', 'country', 'sector', 'seller', 'parent_id'];
const PAGE = 50;
const REFRESH_MS = 20000;
const DOWN_FIRST = ['buyer_id', 'name', 'country', 'sector', 'segment'];

export function buyers({ query, app, signal }) {
  const asked = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) ?? '']));
  let sort = query.get('sort') ?? '-retained';
  let cursors = [null];
  const load = () => get('/v1/buyers', { ...asked, sort, limit: PAGE, cursor: cursors.at(-1) }, signal);
  const list = region({ signal, load, draw: (page) => [found(page), draw(page)] });
  const again = () => {
    cursors = [null];
    app.remember({ ...asked, sort: sort === '-retained' ? '' : sort });
    list.refresh();
  };
  const sorting = () => ({
    by: sort.replace(/^-/, ''), isDown: sort.startsWith('-'),
    choose(column) {
      const isSame = sort.replace(/^-/, '') === column;
      const down = isSame ? !sort.startsWith('-') : !DOWN_FIRST.includes(column);
      sort = `${down ? '-' : ''}${column}`;
      again();
    },
  });
  const columns = columnsOfBuyers();
  function found({ total }) {
    const at = (cursors.length - 1) * PAGE;
    return h('p', { class: 'quiet', role: 'status' }, total === 0 ? t('no_buyers') : t('page_of', { from: count(at + 1), to: count(Math.min(at + PAGE, total)), n: total }));
  }
  function draw({ items, next }) {
    const turn = (change) => () => {
      change();
      list.refresh().then(() => document.getElementById('heading')?.scrollIntoView());
    };
    return [
      table({ caption: t('place.buyers'), columns, items, sorting: sorting(), empty: t('no_buyers') }),
      pager(cursors, next, turn),
    ];
  }
  app.live.on(['gap'], () => list.renew(), signal);
  every(REFRESH_MS, () => list.renew(), signal);
  return {
    title: t('place.buyers'),
    children: [filters(asked, () => sort, (chosen) => { sort = chosen; again(); }, again, columns, signal), list, downloads()],
  };
}

function columnsOfBuyers() {
  const figure = (column) => ({ name: t(column), sort: column, kind: 'number', cell: (row) => whole(row[column]) });
  return [
    { name: t('buyer'), sort: 'name', kind: 'main', cell: (row) => buyerLink(row.buyer_id, row.name) },
    { name: t('by.country'), sort: 'country', cell: (row) => country(row.country) },
    { name: t('score'), sort: 'score', cell: (row) => grade(row.grade, decimal(row.score)) },
    figure('exposure'),
    { name: t('limit_used'), sort: 'utilisation', cell: (row) => used(row.utilisation) },
    figure('overdue'), figure('insured'), figure('retained'), figure('expected_loss'),
    { name: t('place.alerts'), sort: 'open_alerts', cell: (row) => alertsOf(row) },
  ];
}

function alertsOf(row) {
  if (!row.open_alerts && !row.open_proposals) return faint('–');
  return h('span', { class: 'row tight' },
    row.worst_severity && severity(row.worst_severity),
    row.open_alerts > 1 && faint(`× ${count(row.open_alerts)}`),
    row.open_proposals > 0 && h('span', { class: 'badge plain' }, t('proposal')));
}

function filters(asked, sort, sorted, again, columns, signal) {
  const change = (name) => (value) => {
    asked[name] = value;
    again();
  };
  const typed = throttled(again, 300, signal);
  const q = h('input', { type: 'search', name: 'q', value: asked.q, placeholder: t('search_hint'), oninput: (event) => { asked.q = event.target.value.trim(); typed(); } });
  const any = ['', t('any')];
  const chosen = (name, options) => select(name, [any, ...options], asked[name], change(name));
  const fields = [
    field(t('search'), q),
    field(t('by.grade'), chosen('grade', [...'ABCDEF'].map((letter) => [letter, letter]))),
    field(t('by.segment'), chosen('segment', ['named', 'unnamed'].map((name) => [name, named('segment', name)]))),
    ...['country', 'sector', 'seller'].map((name) => field(t(`by.${name}`), grown(name, chosen(name, asked[name] ? [[asked[name], asked[name]]] : []), asked, signal))),
  ];
  if (asked.parent_id) fields.push(field(t('by.group'), h('input', { type: 'search', name: 'parent_id', value: asked.parent_id, onchange: (event) => change('parent_id')(event.target.value.trim()) })));
  const orders = columns.filter((column) => column.sort).flatMap((column) => [[column.sort, `${column.name} ▲`], [`-${column.sort}`, `${column.name} ▼`]]);
  fields.push(h('div', { class: 'narrow' }, field(t('sort_by'), select('sort', orders, sort(), sorted))));
  return h('form', { class: 'filters', role: 'search', onsubmit: (event) => event.preventDefault() }, fields);
}

/** A choice that learns its options from the portfolio's groups, once somebody is about to choose. */
function grown(by, control, asked, signal) {
  const grow = async () => {
    control.removeEventListener('focus', grow);
    control.removeEventListener('pointerenter', grow);
    const { groups } = await get('/v1/portfolio', { by }, signal).catch(() => ({ groups: [] }));
    const options = groups.filter((group) => group.key && group.key !== asked[by]).map((group) => [group.key, groupName(by, group)]);
    options.sort((a, b) => a[1].localeCompare(b[1]));
    control.append(...options.map(([value, words]) => h('option', { value }, words)));
  };
  control.addEventListener('focus', grow);
  control.addEventListener('pointerenter', grow);
  if (asked[by] && by === 'country') control.lastChild.textContent = country(asked[by]);
  return control;
}

function downloads() {
  return quiet(`${t('download')} `, ['csv', 'parquet', 'arrow'].map((kind) => [h('a', { href: `/v1/portfolio.${kind}`, download: true }, kind.toUpperCase()), ' ']));
}

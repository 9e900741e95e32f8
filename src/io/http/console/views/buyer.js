// Owns a buyer's page: who bears the risk, why the score is what it is, how it came so, and what is to be decided.

import { get, path } from '../api.js';
import { h } from '../dom.js';
import { count, country, day, decimal, exact, instant, money, percent, whole } from '../format.js';
import { named, t } from '../i18n.js';
import { ageing, badge, card, every, facts, faint, grade, meter, note, quiet, region, severity, stackedBar, swatch, table, tile, tiles, used } from '../parts.js';
import { headline, reasonList, ruleSentences } from '../reasons.js';
import { overTime } from '../chart.js';
import { silence, snoozeButton } from './alerts.js';
import { proposalCard } from './proposals.js';

const REFRESH_MS = 15000;
const HISTORY_SHOWN = 50;
const SMALL_POINTS = 1;

export function buyer({ param: id, app, signal }) {
  const heading = h('span', {}, id);
  let drawing = new AbortController();
  signal.addEventListener('abort', () => drawing.abort());
  const page = region({
    signal, load: () => get(path('v1', 'buyers', id), {}, signal),
    draw(data) {
      // Charts of the drawing before give up their observers.
      drawing.abort();
      drawing = new AbortController();
      heading.textContent = data.row.name ?? id;
      document.title = `${data.row.name ?? id} · vigie`;
      return wholePage(data, app, () => page.refresh(), drawing.signal);
    },
  });
  app.live.on(['alert', 'proposal', 'limit'], ({ detail }) => detail.buyer_id === id && page.renew(), signal);
  app.live.on(['gap'], () => page.renew(), signal);
  every(REFRESH_MS, () => page.renew(), signal);
  return { title: id, heading, children: [page] };
}

function wholePage(data, app, refresh, signal) {
  const { row } = data;
  return [
    profile(row),
    data.proposals.length > 0 && h('section', { class: 'card calls', 'aria-label': t('place.proposals') }, h('h2', {}, t('proposal_open')), data.proposals.map((proposal) => proposalCard(proposal, app, refresh))),
    figures(data),
    h('div', { class: 'flowing' }, card(t('who_bears'), bearers(row)), card(t('over_time'), overTime({ ...row, overdue: data.overdue }, signal)),
      card(t('open_alerts'), openAlerts(data.alerts, app, refresh)), card(t('why_score'), why(row)), card(t('open_by_age'), ages(row))),
    card(t('covers'), covers(row.covers)),
    h('div', { class: 'columns' }, card(t('limit_history'), limitHistory(data.limit_history)), card(t('sellers'), sellers(row.sellers))),
    card(t('history'), history(data)),
  ];
}

function why(row) {
  const lead = t('score_lead', { score: decimal(row.score), slow: decimal(row.slow), fail: decimal(row.fail) });
  const small = row.reasons.filter(({ points }) => points > 0 && points < SMALL_POINTS);
  return [h('p', { class: 'lead graded' }, grade(row.grade), h('span', {}, lead)), reasonList(row.reasons.filter((reason) => !small.includes(reason)), { withPoints: true }),
    small.length > 0 && h('details', { 'data-k': 'small-reasons' }, h('summary', {}, t('n_more', { n: small.length })), reasonList(small, { withPoints: true }))];
}

function ages(row) {
  const sum = (column) => [t(column), Number(row[column]) ? money(row[column]) : null];
  return [ageing(row), facts([
    [t('oldest'), row.oldest_overdue_days ? t('days', { n: row.oldest_overdue_days }) : null],
    [t('open_invoices'), count(row.open_invoices)], sum('disputed'), sum('orders'), sum('unapplied'), sum('written_off'),
  ])];
}

function profile(row) {
  const parent = row.parent_id && h('a', { 'data-k': 'parent', href: `#/buyers?${new URLSearchParams({ parent_id: row.parent_id })}` }, row.parent_id);
  const words = [h('span', { class: 'id' }, row.buyer_id), row.country && country(row.country), row.segment && named('segment', row.segment), row.sector, parent && [t('part_of'), ' ', parent]];
  return h('div', { class: 'profile' },
    h('p', {}, words.filter(Boolean).map((word, at) => [at > 0 && ' · ', word]), ' ', row.fx_missing && badge(t('fx_missing'), 'warning')),
    h('p', { class: 'row' }, h('a', { class: 'button', 'data-k': 'check', href: `#/order-check?${new URLSearchParams({ buyer: row.buyer_id })}` }, t('check_order')), faint(t('as_of', { at: day(row.as_of) }))));
}

function figures({ row, overdue }) {
  const outstanding = Number(row.outstanding);
  return tiles(
    tile(t('exposure'), money(row.exposure), t('outstanding_and_orders', { outstanding: whole(row.outstanding), orders: whole(row.orders) })),
    tile(t('limit'), money(row.limit), used(row.utilisation)),
    tile(t('overdue'), money(overdue), outstanding > 0 && t('share_of_outstanding', { share: percent(Number(overdue) / outstanding) }), 'late'),
    tile(t('retained'), money(row.retained), Number(row.exposure) > 0 && t('share_of_exposure', { share: percent(Number(row.retained) / Number(row.exposure)) }), 'own'),
    tile(t('expected_loss'), money(row.expected_loss), t('expected_loss_note')),
    tile(t('pays'), row.days_beyond_terms == null ? '–' : t(Number(row.days_beyond_terms) < 0 ? 'days_early' : 'days_late', { days: decimal(Math.abs(Number(row.days_beyond_terms)), 1) }), row.dso && `${t('dso')} ${decimal(row.dso, 0)}`),
  );
}

/** What each layer's insurers would pay, and what stays. A cover pays its share of what it took. */
function bearers(row) {
  const pays = { single_risk: 0, primary: 0, top_up: 0 };
  for (const cover of row.covers) pays[cover.layer] += (Number(cover.taken) * Number(cover.insured_pct)) / 100;
  const layer = (key) => ({ key, name: named('layer', key), amount: pays[key], note: t('layer_note', { insured: whole(row[`insured_${key}`]) }) });
  const insured = ['single_risk', 'primary', 'top_up'].reduce((sum, key) => sum + Number(row[`insured_${key}`]), 0);
  const ownShare = insured - Number(row.indemnifiable);
  const notes = { insured: whole(insured), own: whole(ownShare), uninsured: whole(Math.max(0, Number(row.retained) - ownShare)) };
  const pct = (amount) => (Number(row.exposure) ? percent(Number(amount) / Number(row.exposure)) : '–');
  return [
    h('p', { class: 'lead' }, t('bears_lead', { exposure: money(row.exposure), pay: money(row.indemnifiable), pay_pct: pct(row.indemnifiable), retained: money(row.retained), retained_pct: pct(row.retained) })),
    stackedBar([layer('single_risk'), layer('primary'), layer('top_up'), { key: 'retained', name: t('we_bear'), amount: row.retained, note: insured > 0 && t('we_bear_note', notes) }], t('who_bears')),
  ];
}

function openAlerts(alerts, app, refresh) {
  if (alerts.length === 0) return quiet(t('no_alerts'));
  return h('ul', { class: 'feed' }, alerts.map((alert) => h('li', {},
    severity(alert.severity),
    h('div', { class: 'grow' }, h('strong', {}, named('kind', alert.kind)), note(t('since_day', { day: day(alert.raised_at) })), ruleSentences(alert.reasons), silence(alert)),
    snoozeButton(alert, app, refresh))));
}

function covers(items) {
  return table({
    caption: t('covers'), items, empty: t('no_covers'), columns: [
      { name: t('cover'), kind: 'main', cell: (cover) => cover.cover_id },
      { name: t('layer'), cell: (cover) => [swatch(cover.layer), named('layer', cover.layer), cover.order_id && note(t('for_order', { order: cover.order_id }))] },
      { name: t('carries'), kind: 'number bar', cell: (cover) => [cover.amount != null && meter(Number(cover.taken) / Number(cover.amount || 1), '', cover.layer), whole(cover.taken)] },
      { name: t('amount'), kind: 'number', cell: (cover) => whole(cover.amount) },
      { name: t('insured_pct'), kind: 'number', cell: (cover) => percent(Number(cover.insured_pct) / 100, 2) },
      { name: t('valid'), cell: (cover) => t(cover.valid_to ? 'from_to' : 'from_on', { from: day(cover.valid_from), to: day(cover.valid_to) }) },
      { name: t('state'), cell: (cover) => (cover.stopped_since ? badge(t('stopped_since', { day: day(cover.stopped_since) }), 'critical') : badge(t('in_force'), 'good')) },
    ],
  });
}

function sellers(items) {
  return table({
    caption: t('sellers'), items, columns: [
      { name: t('by.seller'), kind: 'main', cell: (seller) => seller.seller_id || t('not_said') },
      { name: t('outstanding'), kind: 'number', cell: (seller) => whole(seller.outstanding) },
      { name: t('overdue'), kind: 'number', cell: (seller) => whole(seller.overdue) },
      { name: t('open_invoices'), kind: 'number', cell: (seller) => String(seller.open_invoices) },
    ],
  });
}

function limitHistory(items) {
  return table({
    caption: t('limit_history'), items: items.slice(0, HISTORY_SHOWN), empty: t('no_limit_changes'), columns: [
      { name: t('day'), kind: 'main', cell: (change) => instant(change.at) },
      { name: t('limit_from_to'), kind: 'number', cell: (change) => h('span', { 'data-limit': change.new_limit ?? '' }, `${exact(change.old_limit, change.currency ?? undefined)} → ${change.new_limit == null ? t('none') : exact(change.new_limit, change.currency)}`) },
      { name: t('cause'), cell: (change) => [named('cause', change.cause), change.decided_by && note(change.decided_by)] },
    ],
  });
}

function history({ alert_history: alerts, proposal_history: proposals }) {
  const past = [
    ...(alerts ?? []).map((alert) => ({ at: alert.changed_at, cells: [severity(alert.severity), h('strong', {}, named('kind', alert.kind)), named('state', alert.state), headline(alert.reasons)] })),
    ...(proposals ?? []).filter((proposal) => proposal.state === 'closed').map((proposal) => ({
      at: proposal.changed_at,
      cells: [badge(t('proposal')), h('strong', {}, `${exact(proposal.current_limit, proposal.currency)} → ${exact(proposal.proposed_limit, proposal.currency)}`), named('outcome', proposal.outcome), [proposal.decided_by, proposal.reason].filter(Boolean).join(': ')],
    })),
  ].sort((a, b) => (a.at < b.at ? 1 : -1)).slice(0, HISTORY_SHOWN);
  return table({
    caption: t('history'), items: past, empty: t('nothing_here'), columns: [
      { name: t('day'), kind: 'main', cell: (entry) => instant(entry.at) },
      { name: t('kind'), cell: (entry) => entry.cells[0] },
      { name: t('what'), cell: (entry) => entry.cells[1] },
      { name: t('state'), cell: (entry) => entry.cells[2] },
      { name: t('why'), kind: 'wide', cell: (entry) => entry.cells[3] },
    ],
  });
}

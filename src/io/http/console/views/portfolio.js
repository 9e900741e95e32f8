// Owns the portfolio at a glance.

import { get } from '../api.js';
import { h } from '../dom.js';
import { count, decimal, instant, money, percent, whole } from '../format.js';
import { named, t } from '../i18n.js';
import { ageing, buyerLink, card, every, grade, groupName, meter, quiet, region, segmented, severity, stackedBar, table, tile, tiles } from '../parts.js';
import { headline } from '../reasons.js';

const GROUPINGS = ['segment', 'grade', 'country', 'sector', 'seller', 'group'];
const FILTERS = { group: 'parent_id' };
const GROUPS_SHOWN = 12;
const ALERTS_SHOWN = 5;
const REFRESH_MS = 15000;

export function portfolio({ query, app, signal }) {
  let by = GROUPINGS.includes(query.get('by')) ? query.get('by') : 'segment';
  const totals = region({ signal, load: () => get('/v1/portfolio', { by: 'grade' }, signal), draw: glance });
  const groups = region({ signal, load: () => get('/v1/portfolio', { by }, signal), draw: (data) => breakdown(by, data) });
  const worst = region({ signal, load: () => get('/v1/buyers', { sort: '-expected_loss', limit: 8 }, signal), draw: atStake });
  const alerts = region({ signal, load: () => urgent(signal), draw: latest });
  const parts = [totals, groups, worst, alerts];
  const renew = () => parts.forEach((part) => part.renew());
  app.live.on(['alert', 'proposal', 'limit', 'gap'], renew, signal);
  every(REFRESH_MS, renew, signal);
  const choose = (chosen) => {
    by = chosen;
    app.remember({ by });
    groups.refresh();
  };
  const choice = segmented(t('broken_down_by'), 'by', GROUPINGS.map((name) => [name, t(`by.${name}`)]), by, choose);
  return {
    title: t('place.portfolio'),
    children: [
      totals,
      stories(app.me),
      h('div', { class: 'columns' }, card(t('needs_attention'), alerts), card(t('most_at_stake'), worst)),
      card(t('broken_down_by'), choice, groups),
    ],
  };
}

/** The critical alerts on the most exposure, or what there is where nothing is critical. */
async function urgent(signal) {
  const critical = await get('/v1/alerts', { severity: 'critical', sort: '-exposure', limit: ALERTS_SHOWN }, signal);
  return critical.total > 0 ? critical : get('/v1/alerts', { limit: ALERTS_SHOWN }, signal);
}

/** The stories of a demo's portfolio, where the server tells of some. */
function stories(me) {
  if (!me?.stories?.length) return null;
  return card(t('stories'), h('ul', { class: 'plain' }, me.stories.map((story) => h('li', {}, h('a', { href: `#/buyers/${encodeURIComponent(story.buyer_id)}` }, named('story', story.code))))));
}

function glance({ totals: all, groups, as_of: asOf }) {
  const share = (part, of) => (Number(of) ? percent(Number(part) / Number(of), 1) : null);
  const uninsured = Math.max(0, Number(all.exposure) - Number(all.insured));
  return [
    tiles(
      tile(t('exposure'), money(all.exposure), t('n_buyers', { n: all.buyers })),
      tile(t('overdue'), money(all.overdue), share(all.overdue, all.outstanding) && t('share_of_outstanding', { share: share(all.overdue, all.outstanding) }), 'late'),
      tile(t('retained'), money(all.retained), share(all.retained, all.exposure) && t('share_of_exposure', { share: share(all.retained, all.exposure) }), 'own'),
      tile(t('expected_loss'), money(all.expected_loss), t('expected_loss_note')),
      tile(t('dso'), all.dso == null ? '–' : t('days', { n: Math.round(Number(all.dso)) }), t('dso_note')),
      tile(t('to_decide'), h('a', { href: '#/proposals' }, t('n_proposals', { n: all.open_proposals })), h('a', { href: '#/alerts' }, t('n_alerts', { n: all.open_alerts }))),
    ),
    h('div', { class: 'columns three' },
      card(t('insured_by_layer'),
        h('p', { class: 'lead' }, t('insured_lead', { insured: money(all.insured), share: share(all.insured, all.exposure) ?? '–' })),
        stackedBar([...['single_risk', 'primary', 'top_up'].map((layer) => ({ key: layer, name: named('layer', layer), amount: all[`insured_${layer}`] })),
          { key: 'retained', name: t('not_insured'), amount: uninsured }], t('insured_by_layer')),
        quiet(t('insured_note', { pay: money(all.indemnifiable), retained: money(all.retained) }))),
      card(t('open_by_age'),
        h('p', { class: 'lead' }, t('open_lead', { open: money(all.outstanding), n: all.open_invoices })),
        ageing(all),
        quiet(t('disputed_note', { disputed: money(all.disputed) }))),
      card(t('grades'), h('p', { class: 'lead' }, t('grades_lead')), grades(groups))),
    h('p', { class: 'quiet asof' }, t('as_of', { at: instant(asOf) })),
  ];
}

function grades(groups) {
  const shown = [...groups].sort((a, b) => (a.key < b.key ? -1 : 1));
  const most = Math.max(...shown.map((group) => Number(group.totals.exposure)), 1);
  return h('ul', { class: 'grades' }, shown.map(({ key, totals: sums }) => h('li', {},
    h('a', { href: `#/buyers?grade=${key}` }, grade(key), h('span', { class: 'unseen' }, ` ${t('show_buyers')}`)),
    meter(Number(sums.exposure) / most, '', `grade-${key}`),
    h('span', { class: 'number' }, whole(sums.exposure)),
    h('span', { class: 'number quiet' }, t('n_buyers', { n: sums.buyers })))));
}

function breakdown(by, { groups }) {
  const most = Math.max(...groups.map((group) => Number(group.totals.exposure ?? group.totals.outstanding)), 1);
  const link = (group) => {
    const name = by === 'grade' ? grade(group.key) : groupName(by, group);
    if (!group.key) return name;
    return h('a', { href: `#/buyers?${new URLSearchParams({ [FILTERS[by] ?? by]: group.key })}`, 'data-k': `group-${group.key}` }, name);
  };
  const figure = (column) => ({ name: t(column), kind: 'number', cell: (group) => whole(group.totals[column]) });
  const size = by === 'seller' ? 'outstanding' : 'exposure';
  const columns = [
    { name: t(`by.${by}`), kind: 'main', cell: link },
    { name: t('buyers'), kind: 'number', cell: (group) => count(group.totals.buyers) },
    { name: t(size), kind: 'number bar', cell: (group) => [meter(Number(group.totals[size]) / most), whole(group.totals[size])] },
    figure('overdue'),
  ];
  if (by === 'seller') columns.push({ name: t('open_invoices'), kind: 'number', cell: (group) => count(group.totals.open_invoices) });
  else {
    columns.push(figure('insured'), figure('retained'), figure('expected_loss'),
      { name: t('dso'), kind: 'number', cell: (group) => decimal(group.totals.dso, 0) },
      { name: t('place.alerts'), kind: 'number', cell: (group) => count(group.totals.open_alerts) });
  }
  const draw = (items) => table({ caption: t('by_caption', { by: t(`by.${by}`) }), columns, items });
  if (groups.length <= GROUPS_SHOWN) return draw(groups);
  return [draw(groups.slice(0, GROUPS_SHOWN)), h('details', { 'data-k': 'more-groups' }, h('summary', {}, t('n_more', { n: groups.length - GROUPS_SHOWN })), draw(groups.slice(GROUPS_SHOWN)))];
}

function atStake({ items }) {
  return table({
    caption: t('most_at_stake'), items, columns: [
      { name: t('buyer'), kind: 'main', cell: (row) => buyerLink(row.buyer_id, row.name) },
      { name: t('score'), cell: (row) => grade(row.grade, decimal(row.score)) },
      { name: t('retained'), kind: 'number', cell: (row) => whole(row.retained) },
      { name: t('expected_loss'), kind: 'number', cell: (row) => whole(row.expected_loss) },
    ],
  });
}

function latest({ items }) {
  if (items.length === 0) return quiet(t('no_alerts'));
  return [
    h('ul', { class: 'feed' }, items.map((alert) => h('li', {}, severity(alert.severity), h('div', {}, buyerLink(alert.buyer_id, alert.buyer_name), h('p', {}, h('strong', {}, named('kind', alert.kind)), ' · ', headline(alert.reasons)))))),
    h('p', {}, h('a', { href: '#/alerts' }, t('all_alerts'))),
  ];
}

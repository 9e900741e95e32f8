// Owns the live list of alerts.

import { h } from '../dom.js';
import { day, decimal, instant, whole } from '../format.js';
import { named, t } from '../i18n.js';
import { buyerLink, field, grade, note, select, severity } from '../parts.js';
import { headline } from '../reasons.js';
import { liveList } from './live-list.js';

const KINDS = ['insolvency_opened', 'limit_exceeded', 'cover_stop_ahead', 'overdue_beyond_extension', 'declaration_due', 'cover_expiring',
  'cover_lost', 'uncovered_exposure', 'payment_reversed', 'grade_worsened', 'sudden_deterioration'];
const SEVERITIES = ['critical', 'warning', 'info'];
const STATES = ['open', 'cleared', 'all'];
const SORTS = ['', '-changed_at', '-exposure', '-score'];

export function alerts({ query, app, signal }) {
  const options = (family, values, any = true) => [...(any ? [['', t('any')]] : []), ...values.map((value) => [value, named(family, value)])];
  return liveList({
    title: t('place.alerts'), query, app, signal, address: '/v1/alerts', event: 'alert', itemId: 'alert_id', empty: t('no_alerts'),
    filters: { state: 'open', severity: '', kind: '', sort: SORTS[0] },
    form: (asked, change) => [
      field(t('state'), select('state', options('state', STATES, false), asked.state, change('state'))),
      field(t('severity'), select('severity', options('severity', SEVERITIES), asked.severity, change('severity'))),
      field(t('kind'), select('kind', options('kind', KINDS), asked.kind, change('kind'))),
      field(t('sort_by'), select('sort', SORTS.map((sort) => [sort, t(`sort.${sort}`)]), asked.sort, change('sort'))),
    ],
    columns: (refresh) => [
      { name: t('severity'), cell: (alert) => severity(alert.severity) },
      { name: t('buyer'), kind: 'main', cell: (alert) => buyerLink(alert.buyer_id, alert.buyer_name) },
      { name: t('what'), kind: 'wide', cell: (alert) => [h('strong', {}, named('kind', alert.kind)), note(headline(alert.reasons)), silence(alert)] },
      { name: t('score'), cell: (alert) => grade(alert.grade, decimal(alert.score)) },
      { name: t('exposure'), kind: 'number', cell: (alert) => whole(alert.exposure?.exposure) },
      { name: t('since'), kind: 'day', cell: (alert) => [day(alert.raised_at), alert.state === 'cleared' && note(t('cleared_at', { at: instant(alert.changed_at) }))] },
      { name: t('actions'), kind: 'actions', cell: (alert) => snoozeButton(alert, app, refresh) },
    ],
  });
}

/** Says that an alert is silent, and until when. */
export function silence(alert) {
  return alert.snoozed_until && h('span', { class: 'note snoozed' }, t('snoozed', { day: day(alert.snoozed_until), name: alert.snoozed_by ?? '–' }));
}

/** The button that silences an open alert, for who may. */
export function snoozeButton(alert, app, refresh) {
  if (alert.state !== 'open' || !app.can('decide')) return null;
  const words = t('snooze_label', { kind: named('kind', alert.kind), buyer: alert.buyer_name ?? alert.buyer_id });
  return h('button', { type: 'button', class: 'small', 'aria-label': words, 'data-k': `snooze-${alert.alert_id}`, onclick: () => app.decisions.snooze(alert, refresh) }, t('snooze'));
}

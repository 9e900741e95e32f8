// Owns the live list of proposals, and a proposal as a card with its decision.

import { h } from '../dom.js';
import { day, decimal, exact, instant, money, percent, whole } from '../format.js';
import { named, t } from '../i18n.js';
import { badge, buyerLink, facts, faint, field, grade, note, quiet, select } from '../parts.js';
import { headline, ofRules, reasonList } from '../reasons.js';
import { liveList } from './live-list.js';

const STATES = ['open', 'closed', 'all'];
const MODES = ['review', 'auto'];
const SORTS = ['-at_risk_before', 'expires_at', '-proposed_at', '-expected_loss_avoided'];

export function proposals({ query, app, signal }) {
  return liveList({
    title: t('place.proposals'), query, app, signal, address: '/v1/proposals', event: 'proposal', itemId: 'proposal_id', empty: t('no_proposals'),
    filters: { state: 'open', mode: '', sort: SORTS[0] },
    form: (asked, change) => [
      field(t('state'), select('state', STATES.map((name) => [name, t(`state.${name}`)]), asked.state, change('state'))),
      field(t('mode'), select('mode', [['', t('any')], ...MODES.map((name) => [name, named('mode', name)])], asked.mode, change('mode'))),
      field(t('sort_by'), select('sort', SORTS.map((sort) => [sort, t(`sort.${sort}`)]), asked.sort, change('sort'))),
    ],
    columns: (refresh) => [
      { name: t('buyer'), kind: 'main', cell: (proposal) => buyerLink(proposal.buyer_id, proposal.buyer_name) },
      { name: t('limit_from_to'), kind: 'number', cell: (proposal) => [limits(proposal), note(cut(proposal))] },
      { name: t('why'), kind: 'wide', cell: (proposal) => headline(proposal.reasons) },
      { name: t('score'), cell: (proposal) => grade(proposal.grade, decimal(proposal.score)) },
      { name: t('at_risk'), kind: 'number', cell: (proposal) => [`${whole(proposal.at_risk_before)} → ${whole(proposal.at_risk_after)}`, note(t('loss_avoided_by', { amount: whole(proposal.expected_loss_avoided) }))] },
      { name: t('decide_by'), kind: 'day', cell: (proposal) => (proposal.state === 'open' ? day(proposal.expires_at) : closed(proposal)) },
      { name: t('actions'), kind: 'actions', cell: (proposal) => decisionButtons(proposal, app, refresh) },
    ],
  });
}

const limits = (proposal) => h('span', { class: 'nowrap' }, `${whole(proposal.current_limit)} → `, h('strong', {}, whole(proposal.proposed_limit)), ` ${proposal.currency}`);

function cut(proposal) {
  const current = Number(proposal.current_limit);
  return current ? t('cut_by', { share: percent(1 - Number(proposal.proposed_limit) / current) }) : '';
}

function closed(proposal) {
  return [badge(named('outcome', proposal.outcome)), note([proposal.decided_by, instant(proposal.changed_at)].filter(Boolean).join(', '))];
}

/** Approve, amend and reject, for who may decide and while it is open. */
export function decisionButtons(proposal, app, refresh) {
  if (proposal.state !== 'open' || !app.can('decide')) return null;
  const buyer = proposal.buyer_name ?? proposal.buyer_id;
  return h('div', { class: 'row tight decisions' }, ['approve', 'amend', 'reject'].map((decision) => h('button', {
    type: 'button', class: `small ${decision === 'approve' ? 'main' : ''}`, 'data-k': `${decision}-${proposal.proposal_id}`,
    'aria-label': t(`decide.${decision}.title`, { buyer }), onclick: () => app.decisions.decide(proposal, decision, refresh),
  }, t(`decide.${decision}`))));
}

/** An open proposal, with what the rules say: what the score is made of stands elsewhere on the page. */
export function proposalCard(proposal, app, refresh) {
  return h('article', { class: 'proposal' },
    h('p', { class: 'change' }, faint(t('limit')), ' ', exact(proposal.current_limit, proposal.currency), ' → ', h('strong', {}, exact(proposal.proposed_limit, proposal.currency)), ' ', badge(cut(proposal), 'warning')),
    facts([
      [t('at_risk'), `${money(proposal.at_risk_before)} → ${money(proposal.at_risk_after)}`],
      [t('loss_avoided'), money(proposal.expected_loss_avoided)],
      [t('margin_lost'), money(proposal.margin_lost)],
      [t('mode'), named('mode', proposal.mode)],
      [t('effective'), instant(proposal.effective_at)],
      [t('decide_by'), instant(proposal.expires_at)],
      proposal.approvals_needed > 1 ? [t('approvals'), approvals(proposal)] : ['', null],
    ]),
    reasonList(ofRules(proposal.reasons)),
    decisionButtons(proposal, app, refresh),
    !app.can('decide') && quiet(t('may_not_decide')));
}

function approvals(proposal) {
  const given = proposal.approvals.map((approval) => `${approval.decided_by} (${instant(approval.at)})`).join(', ');
  return `${t('approvals_of', { given: proposal.approvals.length, needed: proposal.approvals_needed })}${given && `: ${given}`}`;
}

// Owns the engine's sentences in French: by code and measure where there is a measure, else by the sentence's own pattern.

import { day, decimal, exact } from './format.js';

const amount = (text) => text.replace(/(-?[0-9][0-9,]*\.[0-9]{2,4}) ([A-Z]{3})/g, (_, digits, code) => exact(digits.replaceAll(',', ''), code));
const percents = (text) => text.replace(/(-?[0-9]+(?:\.[0-9]+)?) %/g, (_, digits) => `${decimal(digits)} %`);
const dates = (text) => text.replace(/[0-9]{4}-[0-9]{2}-[0-9]{2}/g, day);
const numbers = (text) => (/^-?[0-9.]+$/.test(text) ? decimal(text) : text);
const figures = (text) => dates(percents(amount(numbers(text))));

const PROCEDURES = { conciliation: 'conciliation', safeguard: 'sauvegarde', receivership: 'redressement judiciaire', liquidation: 'liquidation judiciaire' };
const INCIDENTS = { unpaid: 'impayé', rejected_payment: 'paiement rejeté', protest: 'protêt', litigation: 'contentieux' };
const FEW = /few payments count/;

function late(value) {
  const days = Number(value);
  if (days === 0) return 'à l’échéance';
  return `${decimal(Math.abs(days), 1)} jours ${days < 0 ? 'avant' : 'après'} l’échéance`;
}

const share = (what) => (value) => `${decimal(value)} % des factures ${what}`;
const ratio = (what) => (value) => `comptes : ${what} ${decimal(value)}`;

/** What is said by a code with its measure. */
const BY_VALUE = {
  late_share: share('sont payées en retard'),
  late_over_30: share('sont payées avec plus de 30 jours de retard'),
  usual_delay: (value) => `paie d’ordinaire ${late(value)}, aucune facture ne comptant pour plus de 10 jours`,
  days_beyond_terms: (value) => `pondéré par les montants, paie ${late(value)}`,
  recent_delay: (value) => `paie ces derniers temps ${late(value)}, les paiements anticipés comptant comme à l’heure`,
  broken_habit: (value, detail) => `${decimal(value)} % de ce qu’il paie en un mois est ouvert depuis plus longtemps que jamais${/over (-?[0-9.]+) days/.test(detail) ? ` (plus de ${/over (-?[0-9.]+) days/.exec(detail)[1]} jours après l’échéance)` : ''}, ou perdu`,
  overdue_old: share('sont ouvertes plus de 60 jours après l’échéance, ou perdues'),
  delay_rising: (value) => `paie de plus en plus tard : ${decimal(value)} écarts au-delà de sa propre habitude, en cumul`,
  partial_payments: (value) => `${decimal(value)} % des paiements récents ne règlent qu’une partie`,
  reversed_payments: (value) => `${decimal(value, 3)} paiements récents ont été rejetés, les plus anciens comptant moins`,
  disputes: share('sont en litige'),
  written_off: share('ont été passées en perte'),
  rating_fallen: (value) => `une notation a baissé de ${decimal(value)} en un an`,
  exposure_growth: (value) => `l’encours atteint ${decimal(value, 3)} fois son niveau habituel`,
  utilisation: (value) => `l’encours atteint ${decimal(Number(value) * 100, 1)} % du plafond`,
  sales_trend: ratio('chiffre d’affaires rapporté à l’année précédente'),
  retained_earnings: ratio('réserves sur total du bilan'),
  operating_return: ratio('résultat d’exploitation sur total du bilan'),
  current_ratio: ratio('actif circulant sur dettes à court terme'),
  cash_flow_to_debt: ratio('résultat net et amortissements sur dettes'),
  depreciation_to_debt: ratio('amortissements sur dettes'),
  income_to_short_debt: ratio('résultat net sur dettes à court terme'),
  cash_ratio: ratio('trésorerie sur dettes à court terme'),
  equity_to_debt: ratio('capitaux propres sur dettes'),
  leverage: ratio('dettes sur total du bilan'),
  debt_service: ratio('résultat sur charges financières'),
};

const invoice = '(invoice .+?) is (?:([0-9]+) days? overdue|due on ([0-9-]+))';
const invoiceWords = (text) => amount(text).replace(/^invoice /, 'la facture ').replace(/ of /, ' de ');
const dueWords = (days, due) => (days ? `est en retard de ${days} jour${Number(days) > 1 ? 's' : ''}` : `échoit le ${day(due)}`);
const cover = (text) => text.replace(/^cover /, 'la couverture ');
const more = (text) => amount(text).replace(/ of /g, ' de ').replace(/ and ([0-9]+) more$/, ' et $1 de plus');
const segments = (words) => (words === 'a named' ? 'un acheteur dénommé' : 'un acheteur non dénommé');

/** What is said by a rule: the engine's sentence, and its like in French. An id stays as it is; … stands for the rest. */
const BY_TEMPLATE = [
  ['exposure of {a} is {b} of the limit of {c}', 'l’encours de {a} atteint {b} du plafond de {c}'],
  ['exposure of {a} stands against a limit of 0', 'l’encours de {a} fait face à un plafond de 0'],
  ['exposure of {a} is within the limit of {b}', 'l’encours de {a} tient dans le plafond de {b}'],
  ['the buyer has no limit any more', 'l’acheteur n’a plus de plafond'],
  ['{a} of {b} exposure ({c}) is retained', '{a} sur {b} d’encours ({c}) restent à notre charge'],
  ['{a} of {b} exposure is retained', '{a} sur {b} d’encours restent à notre charge'],
  ['the insolvency procedure is closed', 'la procédure collective est close'],
  ['cover {id} ends on {a} and carries {b}', 'la couverture {id} prend fin le {a} et porte {b}'],
  ['cover {id} carried {a} and is withdrawn from {b} on', 'la couverture {id} portait {a} et est retirée à partir du {b}'],
  ['cover {id} carried {a} and is cut to {b} from {c} on', 'la couverture {id} portait {a} et est réduite à {b} à partir du {c}'],
  ['payment {id} of {a} was reversed', 'le paiement {id} de {a} a été rejeté'],
  ['grade {id} after {id2}: the score rose from {a} to {b}', 'note {id} après {id2} : le score est passé de {a} à {b}'],
  ['sudden signs of trouble: the score rose from {a} to {b}', 'signes soudains de difficulté : le score est passé de {a} à {b}'],
  ['the score has calmed down, and stands at {a} (grade {id})', 'le score s’est calmé, à {a} (note {id})'],
  ['the stop of cover {id} has come', 'l’arrêt de la couverture {id} est arrivé'],
  ['no unpaid invoice is about to stop cover {id}', 'aucune facture impayée ne menace plus la couverture {id}'],
  ['no unpaid invoice is past the extension of cover {id}', 'aucune facture impayée ne dépasse la prorogation de la couverture {id}'],
  ['invoice {id} was declared under cover {id2}', 'la facture {id} a été déclarée au titre de la couverture {id2}'],
  ['invoice {id} is settled', 'la facture {id} est soldée'],
  ['cover {id} no longer carries …', 'la couverture {id} ne porte plus d’encours qui soit près de la perdre'],
  ['cover {id} has ended', 'la couverture {id} a pris fin'],
  ['what cover {id} carried is insured again or settled', 'ce que portait la couverture {id} est de nouveau assuré ou soldé'],
  ['what payment {id} had paid is settled', 'ce que le paiement {id} avait réglé est soldé'],
  ['{a} is shipped and unpaid: the limit goes no lower', '{a} sont livrés et impayés : le plafond ne descend pas plus bas'],
  ['no payment of an invoice is known', 'aucun paiement de facture n’est connu'],
  ["no agency's rating is known", 'aucune notation d’agence n’est connue'],
  ['no accounts are known', 'aucun compte annuel n’est connu'],
  ["Altman's Z'' is {a} by the accounts of {b} (…)", 'le Z″ d’Altman est de {a} d’après les comptes du {b} (moins de 1,1 : détresse ; plus de 2,6 : sûr)'],
  ["Altman's Z'' is unknown: the accounts of {a} lack figures", 'le Z″ d’Altman est inconnu : il manque des chiffres aux comptes du {a}'],
  // Of orders: a check, and a hold.
  ['The oldest invoice is {a} days overdue, …', 'La plus ancienne facture a {a} jours de retard, plus qu’un assureur n’accorde.'],
  ['An overdue invoice has stopped a cover, …', 'Une facture en retard a arrêté une couverture.'],
  ['What is shipped since {a} is uninsured, …', 'Ce qui est livré depuis le {a} n’est pas assuré tant que la facture en retard n’est pas payée.'],
  ["The buyer's grade is {id}.", 'La note de l’acheteur est {id}.'],
  ['No credit limit is set: …', 'Aucun plafond n’est fixé : un arbitre doit en accorder un.'],
  ['The buyer has no credit limit.', 'L’acheteur n’a pas de plafond.'],
  ['With this order exposure would be {a} over the limit of {b}.', 'Avec cette commande l’encours dépasserait de {a} le plafond de {b}.'],
  ['With {a} of this order the exposure of {b} would pass the limit of {c}.', 'Avec {a} de cette commande, l’encours de {b} dépasserait le plafond de {c}.'],
  ['A top-up cover of {a} above …', 'Une couverture complémentaire de {a} au-dessus de la primaire en assurerait le reste.'],
  ['A single-risk cover of {a} for …, where it is due within {b} months.', 'Une couverture au risque unitaire de {a} en assurerait le reste, si elle échoit dans les {b} mois.'],
  ['A limit higher by {a} would …', 'Un plafond relevé de {a} lui ferait place.'],
  ['An insolvency is in force: …', 'Une procédure collective est en cours : ce qui part maintenant n’est pas assuré.'],
  ['Order {id} was cancelled.', 'La commande {id} a été annulée.'],
  ['Order {id} is placed already …', 'La commande {id} est déjà passée et compte dans l’encours : rien à réserver.'],
  ['An invoice is unpaid {a} days after it was due, and cover {id} stops at {b}: …', 'Une facture reste impayée {a} jours après l’échéance, et la couverture {id} s’arrête à {b} : ce qui part maintenant n’est pas assuré.'],
].map(([english, french]) => {
  const escaped = english.replace(/[.()]/g, '\\$&').replace('…', '.+').replace(/\{(\w+)\}/g, '(?<$1>.+)');
  return [new RegExp(`^${escaped}$`), french];
});

/** What needs more than its figures put into French. */
const BY_SENTENCE = [
  [/^(conciliation|safeguard|receivership|liquidation) opened on (.+)$/, (a, b) => `${PROCEDURES[a]} ${a === 'receivership' ? 'ouvert' : 'ouverte'} le ${day(b)}`],
  [/^(conciliation|safeguard|receivership|liquidation) is in force: nothing more on account$/, (a) => `${PROCEDURES[a]} en cours : plus rien à crédit`],
  [new RegExp(`^${invoice}; cover (.+) stops at ([0-9]+)$`), (a, days, due, c, stop) => `${invoiceWords(a)} ${dueWords(days, due)} ; la couverture ${c} s’arrête à ${stop} jours`],
  [new RegExp(`^${invoice}; declare it under (cover .+) by (.+)$`), (a, days, due, c, by) => `${invoiceWords(a)} ${dueWords(days, due)} ; à déclarer au titre de ${cover(c)} avant le ${day(by)}`],
  [/^would ship uninsured: order (.+)$/, (a) => `partirait sans couverture : commande ${more(a)}`],
  [/^payment (.+) of (.+) was reversed; unpaid again: invoice (.+)$/, (a, b, c) => `le paiement ${a} de ${figures(b)} a été rejeté ; à nouveau impayée : facture ${more(c)}`],
  [/^at grade (.), (an? \w+) buyer keeps (.+) % of the (.+) that it was granted$/, (a, b, c, d) => `à la note ${a}, ${segments(b)} garde ${c} % des ${figures(d)} qui lui étaient accordés`],
  [/^used in full, the limit of (.+) would leave (.+) uninsured; of (an? \w+) buyer at grade (.) (.+) may be retained$/, (a, b, c, d, e) => `utilisé en entier, le plafond de ${figures(a)} laisserait ${figures(b)} sans assurance ; pour ${segments(c)} à la note ${d}, ${figures(e)} peuvent rester à notre charge`],
  [/^([0-9]+) reported: (.+)$/, (a, b) => `${a} signalé${Number(a) > 1 ? 's' : ''} : ${b.replace(/(\w+) on ([0-9-]+)/g, (_, kind, on) => `${INCIDENTS[kind] ?? kind} le ${day(on)}`)}`],
  [/^rated (.+) \(1 is best, 10 in default\)$/, (a) => `noté ${a.replace(/([0-9]+) by (.+?) on ([0-9-]+)/g, (_, grade, by, on) => `${grade} par ${by} le ${day(on)}`)} (1 est la meilleure note, 10 le défaut)`],
];

/** The reason's sentence in French, or null where its pattern is not known. */
export function inFrench({ code, value, detail }) {
  const said = value != null && BY_VALUE[code]?.(value, detail);
  if (said) return FEW.test(detail) ? `${said} ; peu de paiements comptent, ils sont donc pris avec prudence` : said;
  for (const [pattern, words] of BY_TEMPLATE) {
    const found = pattern.exec(detail)?.groups ?? (pattern.test(detail) && {});
    if (found) return words.replace(/\{(\w+)\}/g, (_, name) => (name.startsWith('id') ? found[name] : figures(found[name])));
  }
  for (const [pattern, words] of BY_SENTENCE) {
    const found = pattern.exec(detail);
    if (found) return words(...found.slice(1));
  }
  return null;
}

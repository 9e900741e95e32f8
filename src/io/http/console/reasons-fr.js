// Owns the engine's sentences in French: by code and measure where there is a measure, else by the sentence's own pattern.

import { day, decimal, exact } from './format.js';

const amount = (text) => text.replace(/(-?[0-9][0-9,]*\.[0-9]{2,4}) ([A-Z]{3})/g, (_, digits, code) => exact(digits.replaceAll(',', ''), code));
const percents = (text) => text.replace(/(-?[0-9]+(?:\.[0-9]+)?) %/g, (_, digits) => `${decimal(digits)} %`);
const dates = (text) => text.replace(/[0-9]{4}-[0-9]{2}-[0-9]{2}/g, day);
const figures = (text) => dates(percents(amount(text)));

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

/** What is said by a rule: the engine's sentence, and its like in French. */
const BY_SENTENCE = [
  [/^exposure of (.+) is (.+) of the limit of (.+)$/, (a, b, c) => `l’encours de ${figures(a)} atteint ${figures(b)} du plafond de ${figures(c)}`],
  [/^exposure of (.+) stands against a limit of 0$/, (a) => `l’encours de ${figures(a)} fait face à un plafond de 0`],
  [/^exposure of (.+) is within the limit of (.+)$/, (a, b) => `l’encours de ${figures(a)} tient dans le plafond de ${figures(b)}`],
  [/^the buyer has no limit any more$/, () => 'l’acheteur n’a plus de plafond'],
  [/^(.+) of (.+) exposure \((.+)\) is retained$/, (a, b, c) => `${figures(a)} sur ${figures(b)} d’encours (${figures(c)}) restent à notre charge`],
  [/^(.+) of (.+) exposure is retained$/, (a, b) => `${figures(a)} sur ${figures(b)} d’encours restent à notre charge`],
  [/^(conciliation|safeguard|receivership|liquidation) opened on (.+)$/, (a, b) => `${PROCEDURES[a]} ${a === 'receivership' ? 'ouvert' : 'ouverte'} le ${day(b)}`],
  [/^(conciliation|safeguard|receivership|liquidation) is in force: nothing more on account$/, (a) => `${PROCEDURES[a]} en cours : plus rien à crédit`],
  [/^the insolvency procedure is closed$/, () => 'la procédure collective est close'],
  [new RegExp(`^${invoice}; cover (.+) stops at ([0-9]+)$`), (a, days, due, c, stop) => `${invoiceWords(a)} ${dueWords(days, due)} ; la couverture ${c} s’arrête à ${stop} jours`],
  [new RegExp(`^${invoice}; declare it under (cover .+) by (.+)$`), (a, days, due, c, by) => `${invoiceWords(a)} ${dueWords(days, due)} ; à déclarer au titre de ${cover(c)} avant le ${day(by)}`],
  [/^would ship uninsured: order (.+)$/, (a) => `partirait sans couverture : commande ${more(a)}`],
  [/^(cover .+) ends on (.+) and carries (.+)$/, (a, b, c) => `${cover(a)} prend fin le ${day(b)} et porte ${figures(c)}`],
  [/^(cover .+) carried (.+) and is withdrawn from (.+) on$/, (a, b, c) => `${cover(a)} portait ${figures(b)} et est retirée à partir du ${day(c)}`],
  [/^(cover .+) carried (.+) and is cut to (.+) from (.+) on$/, (a, b, c, d) => `${cover(a)} portait ${figures(b)} et est réduite à ${figures(c)} à partir du ${day(d)}`],
  [/^payment (.+) of (.+) was reversed; unpaid again: invoice (.+)$/, (a, b, c) => `le paiement ${a} de ${figures(b)} a été rejeté ; à nouveau impayée : facture ${more(c)}`],
  [/^payment (.+) of (.+) was reversed$/, (a, b) => `le paiement ${a} de ${figures(b)} a été rejeté`],
  [/^grade (.) after (.): the score rose from (.+) to (.+)$/, (a, b, c, d) => `note ${a} après ${b} : le score est passé de ${decimal(c)} à ${decimal(d)}`],
  [/^sudden signs of trouble: the score rose from (.+) to (.+)$/, (a, b) => `signes soudains de difficulté : le score est passé de ${decimal(a)} à ${decimal(b)}`],
  [/^the score has calmed down, and stands at (.+) \(grade (.)\)$/, (a, b) => `le score s’est calmé, à ${decimal(a)} (note ${b})`],
  [/^the stop of cover (.+) has come$/, (a) => `l’arrêt de la couverture ${a} est arrivé`],
  [/^no unpaid invoice is about to stop cover (.+)$/, (a) => `aucune facture impayée ne menace plus la couverture ${a}`],
  [/^no unpaid invoice is past the extension of cover (.+)$/, (a) => `aucune facture impayée ne dépasse la prorogation de la couverture ${a}`],
  [/^invoice (.+) was declared under cover (.+)$/, (a, b) => `la facture ${a} a été déclarée au titre de la couverture ${b}`],
  [/^invoice (.+) is settled$/, (a) => `la facture ${a} est soldée`],
  [/^cover (.+) no longer carries exposure that is about to lose it$/, (a) => `la couverture ${a} ne porte plus d’encours qui soit près de la perdre`],
  [/^cover (.+) has ended$/, (a) => `la couverture ${a} a pris fin`],
  [/^what cover (.+) carried is insured again or settled$/, (a) => `ce que portait la couverture ${a} est de nouveau assuré ou soldé`],
  [/^what payment (.+) had paid is settled$/, (a) => `ce que le paiement ${a} avait réglé est soldé`],
  [/^at grade (.), (an? \w+) buyer keeps (.+) % of the (.+) that it was granted$/, (a, b, c, d) => `à la note ${a}, ${segments(b)} garde ${c} % des ${figures(d)} qui lui étaient accordés`],
  [/^used in full, the limit of (.+) would leave (.+) uninsured; of (an? \w+) buyer at grade (.) (.+) may be retained$/, (a, b, c, d, e) => `utilisé en entier, le plafond de ${figures(a)} laisserait ${figures(b)} sans assurance ; pour ${segments(c)} à la note ${d}, ${figures(e)} peuvent rester à notre charge`],
  [/^(.+) is shipped and unpaid: the limit goes no lower$/, (a) => `${figures(a)} sont livrés et impayés : le plafond ne descend pas plus bas`],
  [/^([0-9]+) reported: (.+)$/, (a, b) => `${a} signalé${Number(a) > 1 ? 's' : ''} : ${b.replace(/(\w+) on ([0-9-]+)/g, (_, kind, on) => `${INCIDENTS[kind] ?? kind} le ${day(on)}`)}`],
  [/^rated (.+) \(1 is best, 10 in default\)$/, (a) => `noté ${a.replace(/([0-9]+) by (.+?) on ([0-9-]+)/g, (_, grade, by, on) => `${grade} par ${by} le ${day(on)}`)} (1 est la meilleure note, 10 le défaut)`],
  [/^no payment of an invoice is known$/, () => 'aucun paiement de facture n’est connu'],
  [/^no agency's rating is known$/, () => 'aucune notation d’agence n’est connue'],
  [/^no accounts are known$/, () => 'aucun compte annuel n’est connu'],
  [/^Altman's Z'' is (.+) by the accounts of (.+) \(under 1.1 distress, over 2.6 safe\)$/, (a, b) => `le Z'' d’Altman est de ${decimal(a)} d’après les comptes du ${day(b)} (moins de 1,1 : détresse ; plus de 2,6 : sûr)`],
  [/^Altman's Z'' is unknown: the accounts of (.+) lack figures$/, (a) => `le Z'' d’Altman est inconnu : il manque des chiffres aux comptes du ${day(a)}`],
];

/** The reason's sentence in French, or null where its pattern is not known. */
export function inFrench({ code, value, detail }) {
  const said = value != null && BY_VALUE[code]?.(value, detail);
  if (said) return FEW.test(detail) ? `${said} ; peu de paiements comptent, ils sont donc pris avec prudence` : said;
  for (const [pattern, words] of BY_SENTENCE) {
    const found = pattern.exec(detail);
    if (found) return words(...found.slice(1));
  }
  return null;
}

// Owns the trial of the console's words without a browser: money as people type it, and the engine's sentences in French.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';

// The console's files are modules for browsers; beside a package.json that says so they are modules for Node too.
const folder = mkdtempSync(path.join(tmpdir(), 'vigie-console-'));
cpSync(path.join(import.meta.dirname, '../../src/io/http/console'), folder, { recursive: true });
writeFileSync(path.join(folder, 'package.json'), '{"type": "module"}');
after(() => rmSync(folder, { recursive: true }));
const load = (name) => import(pathToFileURL(path.join(folder, name)).href);

globalThis.navigator ??= { languages: ['fr-FR'] };
const { readMoney, useLocale } = await load('format.js');
const { inFrench } = await load('reasons-fr.js');
const plain = (text) => text?.replace(/[\u00a0\u202f]/g, ' ');

test('money is read as people of either language type it', () => {
  const cases = {
    '300000': '300000.00', '300 000': '300000.00', '300,000': '300000.00', '300.000': '300000.00', '300\u202f000,5': '300000.50', '300,000.50': '300000.50',
    '1.234.567,89 EUR': '1234567.89', "12'500": '12500.00', '0': '0.00', '0,5': '0.50', '': null, 'much': null, '-5': null, '1,2345': null, '1e5': null, '30,00,000': null,
  };
  for (const [typed, read] of Object.entries(cases)) assert.equal(readMoney(typed), read, `“${typed}”`);
});

test('the engine’s sentences are said in French, with French figures', () => {
  useLocale('fr');
  const rule = (detail) => plain(inFrench({ code: 'any', value: null, detail }));
  const cases = {
    'exposure of 13,879.61 EUR is 138.8 % of the limit of 10,000.00 EUR': 'l’encours de 13 879,61 EUR atteint 138,8 % du plafond de 10 000,00 EUR',
    'exposure of 5.00 EUR stands against a limit of 0': 'l’encours de 5,00 EUR fait face à un plafond de 0',
    'receivership opened on 2026-11-02': 'redressement judiciaire ouvert le 2 nov. 2026',
    'liquidation is in force: nothing more on account': 'liquidation judiciaire en cours : plus rien à crédit',
    'invoice F-12 of 8,400.00 EUR is 61 days overdue; cover K-3 stops at 60': 'la facture F-12 de 8 400,00 EUR est en retard de 61 jours ; la couverture K-3 s’arrête à 60 jours',
    'invoice F-12 (FR01) of 8,400.00 EUR is due on 2026-12-01; declare it under cover K-3 (Insurer) by 2026-12-24': 'la facture F-12 (FR01) de 8 400,00 EUR échoit le 1 déc. 2026 ; à déclarer au titre de la couverture K-3 (Insurer) avant le 24 déc. 2026',
    'would ship uninsured: order A of 4,000.00 EUR, B of 1.50 EUR and 3 more': 'partirait sans couverture : commande A de 4 000,00 EUR, B de 1,50 EUR et 3 de plus',
    'cover K-3 (Insurer) carried 5,000.00 EUR and is cut to 1,000.00 EUR from 2026-11-02 on': 'la couverture K-3 (Insurer) portait 5 000,00 EUR et est réduite à 1 000,00 EUR à partir du 2 nov. 2026',
    'payment P-1 of 10.00 EUR was reversed; unpaid again: invoice F-1 of 10.00 EUR': 'le paiement P-1 de 10,00 EUR a été rejeté ; à nouveau impayée : facture F-1 de 10,00 EUR',
    'grade E after C: the score rose from 35.25 to 73': 'note E après C : le score est passé de 35,25 à 73',
    'at grade F, a named buyer keeps 40 % of the 10,000.00 EUR that it was granted': 'à la note F, un acheteur dénommé garde 40 % des 10 000,00 EUR qui lui étaient accordés',
    'used in full, the limit of 5.00 EUR would leave 4.00 EUR uninsured; of an unnamed buyer at grade D 1.00 EUR may be retained': 'utilisé en entier, le plafond de 5,00 EUR laisserait 4,00 EUR sans assurance ; pour un acheteur non dénommé à la note D, 1,00 EUR peuvent rester à notre charge',
    '2 reported: unpaid on 2026-10-02, rejected_payment on 2026-09-14': '2 signalés : impayé le 2 oct. 2026, paiement rejeté le 14 sept. 2026',
    'rated 7 by Bureau North on 2026-09-12 (1 is best, 10 in default)': 'noté 7 par Bureau North le 12 sept. 2026 (1 est la meilleure note, 10 le défaut)',
  };
  for (const [english, french] of Object.entries(cases)) assert.equal(rule(english), french);
  assert.equal(rule('a sentence of a later version'), undefined, 'what is not known stays with the engine’s own words');
});

test('a measure is said in French by its code, with the engine’s caution', () => {
  useLocale('fr');
  const said = (code, value, detail) => plain(inFrench({ code, value, detail }));
  assert.equal(said('late_share', '47.2', '47.2 % of invoices are paid late'), '47,2 % des factures sont payées en retard');
  assert.equal(said('usual_delay', '-1.5', 'usually pays …; few payments count, so they are taken with caution'),
    'paie d’ordinaire 1,5 jours avant l’échéance, aucune facture ne comptant pour plus de 10 jours ; peu de paiements comptent, ils sont donc pris avec prudence');
  assert.equal(said('utilisation', '1.240', 'exposure is 124.0 % of the limit'), 'l’encours atteint 124 % du plafond');
  assert.equal(said('leverage', '0.8812', 'accounts: liabilities over total assets 0.88'), 'comptes : dettes sur total du bilan 0,88');
});

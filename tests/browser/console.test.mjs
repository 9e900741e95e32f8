// Owns the trial of the console as its users use it: a risk desk's day on a running demo, in a real browser.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LIMIT_MS, URL_OF_CONSOLE, launch, open, seriousFindings, settled, shoot, shootWindow, visit } from './browser.mjs';
import { pastTold } from './demo.mjs';

const TEST_LIMIT = { timeout: 5 * LIMIT_MS };
let browser;

before(async () => {
  browser = await launch();
  await pastTold(URL_OF_CONSOLE);
  await until('a buyer and an alert are there', async () => (await list('buyers?limit=1')).total > 0 && (await list('alerts?limit=1')).total > 0);
});
after(async () => browser?.close());

async function list(path) {
  const answer = await fetch(new URL(`/v1/${path}`, URL_OF_CONSOLE));
  assert.equal(answer.status, 200, `GET /v1/${path}`);
  return answer.json();
}

/** Asks until there is an answer; fails only after a limit that no working service comes near. */
async function until(what, question) {
  for (const end = Date.now() + LIMIT_MS; Date.now() < end;) {
    const answer = await question();
    if (answer) return answer;
    await new Promise((done) => setTimeout(done, 200));
  }
  return assert.fail(`waited in vain until ${what}`);
}

test('the portfolio is there at a glance, and follows live', TEST_LIMIT, async () => {
  const { page, wrongs, context } = await open(browser);
  await visit(page, '#/');
  assert.match(await page.title(), /^Portfolio · vigie$/);
  for (const name of ['Exposure', 'Overdue', 'Retained', 'Expected loss']) await page.locator('.tile dt', { hasText: name }).first().waitFor();
  await page.locator('#live', { hasText: 'Live' }).waitFor();
  for (const by of ['grade', 'country', 'sector', 'seller', 'group', 'segment']) {
    const asked = page.waitForResponse((response) => response.url().includes(`by=${by}`));
    await page.locator(`label[for="${await page.locator(`input[name=by][value=${by}]`).getAttribute('id')}"]`).click();
    await asked;
    await settled(page);
  }
  await shoot(page, 'portfolio');
  assert.deepEqual(wrongs, []);
  await context.close();
});

test('the worst buyer is found, and the reasons say why', TEST_LIMIT, async () => {
  const { page, wrongs, context } = await open(browser);
  await visit(page, '#/');
  await page.getByRole('link', { name: 'Buyers', exact: true }).click();
  await settled(page);
  await page.getByRole('button', { name: 'Score' }).click();
  await page.waitForSelector('th[aria-sort=descending]:has-text("Score")');
  await settled(page);
  const scores = await page.locator('tbody td[data-label=Score] .number').allTextContents();
  const sorted = [...scores].map(Number).sort((a, b) => b - a);
  assert.deepEqual(scores.map(Number), sorted, 'the worst come first');
  await page.locator('tbody th a').first().click();
  await settled(page);
  const why = page.getByRole('region', { name: 'Why this score' });
  assert.match(await why.locator('.reasons li').first().innerText(), /^\+[0-9.]+/, 'the first reason has points');
  assert.ok((await why.locator('.reasons li p').first().innerText()).length > 10, 'and a sentence');
  const bearers = await page.getByRole('region', { name: 'Who bears the risk' }).innerText();
  assert.match(bearers, /insurers bear .* and we bear/);
  await page.waitForSelector('.chart canvas');
  await shoot(page, 'worst-buyer');
  assert.deepEqual(wrongs, []);
  await context.close();
});

test('a proposal is approved, and the limit change arrives', TEST_LIMIT, async () => {
  const { page, wrongs, context } = await open(browser);
  // One approval is enough for this one: four eyes are tried with the API.
  const proposal = await until('a proposal waits for one decision', async () => {
    const { items } = await list('proposals?state=open&limit=200');
    return items.find((item) => item.mode === 'review' && item.approvals_needed === 1) ?? items.find((item) => item.approvals_needed === 1);
  });
  await visit(page, `#/buyers/${encodeURIComponent(proposal.buyer_id)}`);
  await page.getByRole('button', { name: /^Approve/ }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Reason (optional)').fill('Tried in a browser.');
  await shootWindow(page, 'approve');
  await dialog.getByRole('button', { name: 'Approve' }).click();
  await dialog.waitFor({ state: 'detached' });
  const change = page.locator('.limit-change');
  await change.waitFor();
  const told = await change.getAttribute('data-limit');
  const { items } = await list(`limit-changes?buyer_id=${encodeURIComponent(proposal.buyer_id)}&limit=50`);
  const arrived = items.find((item) => item.proposal_id === proposal.proposal_id);
  assert.equal(arrived?.new_limit, told, 'what the page tells is what is in limit-changes');
  await page.locator(`td [data-limit="${told}"]`).first().waitFor();
  await shootWindow(page, 'limit-changed');
  // A decision that was written a moment ago may not be known yet.
  assert.deepEqual(wrongs.filter((wrong) => !/^404 .*\/decisions\/|status of 404/.test(wrong)), []);
  await context.close();
});

test('a rejection without a reason is not sent, and says so in plain words', TEST_LIMIT, async () => {
  const { page, wrongs, context } = await open(browser);
  await until('a proposal is open', async () => (await list('proposals?limit=1')).total > 0);
  await visit(page, '#/proposals');
  await page.getByRole('button', { name: /^Reject/ }).first().click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Reject' }).click();
  await dialog.getByText('Give a reason').waitFor();
  assert.equal(await dialog.getByLabel('Reason').getAttribute('aria-invalid'), 'true');
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.deepEqual(wrongs, []);
  await context.close();
});

test('an alert is snoozed', TEST_LIMIT, async () => {
  const { page, wrongs, context } = await open(browser);
  await visit(page, '#/alerts');
  // A list that is held still keeps the row in its place.
  await page.getByRole('button', { name: 'Hold the list still' }).click();
  const row = page.locator('tbody tr', { has: page.locator('button') }).filter({ hasNot: page.locator('.snoozed') }).first();
  const id = await row.getAttribute('data-row');
  await page.locator(`[data-row="${id}"] button`).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('For how many days').fill('14');
  await dialog.getByText('It does not escalate until').waitFor();
  await dialog.getByRole('button', { name: 'Snooze' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.locator('.outcome', { hasText: 'is snoozed until' }).waitFor();
  const alert = await until('the alert is snoozed', async () => {
    const found = await list(`alerts/${encodeURIComponent(id)}`);
    return found.snoozed_until && found;
  });
  assert.match(alert.snoozed_until, /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/);
  await shootWindow(page, 'snoozed');
  assert.deepEqual(wrongs, []);
  await context.close();
});

test('the page speaks French when told to, and remembers it', TEST_LIMIT, async () => {
  const { page, wrongs, context } = await open(browser);
  await visit(page, '#/');
  await page.getByRole('button', { name: 'Français' }).click();
  await page.locator('h1', { hasText: 'Portefeuille' }).waitFor();
  assert.equal(await page.locator('html').getAttribute('lang'), 'fr');
  await page.reload();
  await settled(page);
  await page.locator('h1', { hasText: 'Portefeuille' }).waitFor();
  const { items } = await list('buyers?sort=-score&limit=1');
  await visit(page, `#/buyers/${encodeURIComponent(items[0].buyer_id)}`);
  await page.getByRole('region', { name: 'Pourquoi ce score' }).waitFor();
  await shoot(page, 'worst-buyer-fr');
  assert.deepEqual(wrongs, []);
  await context.close();
});

test('an order is checked', TEST_LIMIT, async () => {
  const { page, wrongs, context } = await open(browser);
  const { items } = await list('buyers?sort=-exposure&limit=1');
  await visit(page, `#/buyers/${encodeURIComponent(items[0].buyer_id)}`);
  await page.getByRole('link', { name: 'Check an order' }).click();
  await settled(page);
  assert.equal(await page.getByLabel('Buyer id').inputValue(), items[0].buyer_id);
  await page.getByLabel('Amount').fill('250,000.00');
  await page.getByRole('button', { name: 'Check', exact: true }).click();
  assert.match(await page.locator('.verdict .badge').innerText(), /^(Accept|Refer|Reject)$/);
  await shoot(page, 'order-check');
  assert.deepEqual(wrongs, []);
  await context.close();
});

/** A buyer with room under the limit and nothing that stands in the way of an order, and how much room there is. */
async function buyerWithRoom() {
  const { items } = await list('buyers?sort=-exposure&limit=100');
  const room = (row) => Number(row.limit) - Number(row.exposure);
  const isCalm = (row) => row.limit != null && row.open_alerts === 0 && Number(row.overdue) === 0 && !row.buyer_id.startsWith('STORY') && 'ABC'.includes(row.grade);
  const found = items.filter((row) => isCalm(row) && room(row) >= 1000).sort((a, b) => room(b) - room(a))[0];
  return found && { id: found.buyer_id, room: room(found) };
}

/** Checks an order with a hold, and gives what is said of the hold. */
async function hold(page, amount, orderId) {
  await page.getByLabel('Amount').fill(amount.toFixed(2));
  await page.getByLabel('Order id').fill(orderId);
  const answered = page.waitForResponse((response) => response.url().endsWith('/v1/order-checks'));
  await page.getByRole('button', { name: 'Check', exact: true }).click();
  await answered;
  await page.locator('.held').waitFor();
  return { state: await page.locator('.held').getAttribute('data-hold'), text: await page.locator('.held').innerText() };
}

test('an order is held, and a second that does not fit beside it is not', TEST_LIMIT, async () => {
  const { page, wrongs, context } = await open(browser);
  const { id, room } = await until('a buyer has room', buyerWithRoom);
  const run = Date.now().toString(36);
  await visit(page, `#/order-check?buyer=${encodeURIComponent(id)}`);
  await page.getByLabel('Amount').fill('1000');
  await page.getByLabel('Hold the headroom').check();
  await page.getByRole('button', { name: 'Check', exact: true }).click();
  await page.getByText('Please fill in: Order id.').waitFor();
  const first = await hold(page, room * 0.7, `FIRST-${run}`);
  assert.equal(first.state, 'granted', first.text);
  assert.match(first.text, /^Held\. EUR\s[0-9,.]+ until /);
  await shootWindow(page, 'held');
  const second = await hold(page, room * 0.7, `SECOND-${run}`);
  assert.equal(second.state, 'refused', second.text);
  assert.match(second.text, /Over the limit · With .* would pass the limit of /);
  await shootWindow(page, 'not-held');
  const again = await hold(page, room * 0.7, `FIRST-${run}`);
  assert.equal(again.state, 'granted', 'who asks again hears what was decided');
  assert.match(again.text, /an order is held once/);
  assert.deepEqual(wrongs, []);
  await context.close();
});

test('an engine that does not answer in time is said plainly, of a hold and of a decision', TEST_LIMIT, async () => {
  const { page, wrongs, context } = await open(browser);
  const { items: [buyer] } = await list('buyers?sort=-exposure&limit=1');
  await page.route('**/v1/order-checks', async (route) => {
    const answer = await route.fetch({ postData: JSON.stringify({ ...route.request().postDataJSON(), hold: false }) });
    route.fulfill({ json: { ...await answer.json(), hold: { granted: null, decided: null, event_id: 'asked', written: { topic: 'vigie.invoices', partition: 0, offset: 7 } } } });
  });
  await visit(page, `#/order-check?buyer=${encodeURIComponent(buyer.buyer_id)}`);
  await page.getByLabel('Hold the headroom').check();
  const held = await hold(page, 1000, 'SLOW');
  assert.equal(held.state, 'waiting');
  assert.match(held.text, /No answer yet\. .* check the same order again/);

  await page.route('**/decision', (route) => route.fulfill({ status: 202, json: { decision_id: 'late', topic: 'vigie.decisions', partition: 0, offset: 7 } }));
  await page.route('**/v1/decisions/late', (route) => route.fulfill({ json: { decision_id: 'late', state: 'pending', outcome: null } }));
  await until('a proposal is open', async () => (await list('proposals?limit=1')).total > 0);
  await visit(page, '#/proposals');
  await page.getByRole('button', { name: /^Approve/ }).first().click();
  await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
  const note = page.locator('.outcome.bad', { hasText: 'It may have come too late' });
  await note.waitFor();
  await shootWindow(page, 'too-late');
  await note.getByRole('link', { name: 'Look at the buyer' }).click();
  await settled(page);
  await page.getByRole('region', { name: 'Who bears the risk' }).waitFor();
  assert.deepEqual(wrongs, []);
  await context.close();
});

test('a keyboard alone comes through the page', TEST_LIMIT, async () => {
  const { page, wrongs, context } = await open(browser);
  await visit(page, '#/');
  const focused = () => page.evaluate(() => document.activeElement.getAttribute('id') ?? document.activeElement.textContent.trim());
  const seen = [];
  for (let presses = 0; presses < 9; presses++) {
    await page.keyboard.press('Tab');
    seen.push(await focused());
  }
  assert.equal(seen[0], 'skip', `the skip link comes first: ${seen}`);
  assert.deepEqual(seen.slice(1, 4).map((text) => text.split(/[\s0-9]/)[0]), ['vigie', 'Portfolio', 'Buyers'], `the navigation follows: ${seen}`);
  assert.equal(new Set(seen).size, seen.length, `focus is never caught: ${seen}`);
  await page.locator('#skip').focus();
  await page.keyboard.press('Enter');
  assert.equal(await focused(), 'main', 'the skip link leads to the content');
  await page.getByRole('link', { name: 'Buyers', exact: true }).focus();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement.id === 'heading');
  assert.equal(await page.locator('h1').innerText(), 'Buyers', 'after a navigation focus is at the heading');
  await settled(page);
  await page.getByRole('button', { name: 'Score' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForSelector('th[aria-sort=descending]:has-text("Score")');
  await settled(page);
  assert.equal(await page.evaluate(() => document.activeElement.dataset.k), 'sort-score', 'a sort keeps focus');
  assert.deepEqual(wrongs, []);
  await context.close();
});

const LOOKS = [
  ['light', { colorScheme: 'light' }],
  ['dark', { colorScheme: 'dark' }],
  ['phone', { colorScheme: 'light', viewport: { width: 360, height: 780 } }],
  ['phone-dark-fr', { colorScheme: 'dark', viewport: { width: 360, height: 780 }, locale: 'fr-FR' }],
];

for (const [look, options] of LOOKS) {
  test(`each view is usable by all: ${look}`, TEST_LIMIT, async () => {
    const { page, wrongs, context } = await open(browser, options);
    const { items } = await list('buyers?sort=-score&limit=1');
    const id = encodeURIComponent(items[0].buyer_id);
    const views = { portfolio: '#/', buyers: '#/buyers', buyer: `#/buyers/${id}`, alerts: '#/alerts', proposals: '#/proposals', 'order-check': `#/order-check?buyer=${id}` };
    for (const [view, hash] of Object.entries(views)) {
      await visit(page, hash);
      await shoot(page, `${view}-${look}`);
      assert.deepEqual(await seriousFindings(page), [], `axe on ${view}`);
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(over <= 0, `${view} is ${over} px wider than the screen`);
    }
    assert.deepEqual(wrongs, []);
    await context.close();
  });
}

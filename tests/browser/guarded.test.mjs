// Owns the trial of the console where it is guarded by tokens: what is told without one, and what a reader may do.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { LIMIT_MS, launch, open, settled, shootWindow } from './browser.mjs';
import { pastTold, startDemo, vigie } from './demo.mjs';

const TEST_LIMIT = { timeout: 2 * LIMIT_MS };
const folder = mkdtempSync(path.join(tmpdir(), 'vigie-guarded-'));
const tokens = {};
let browser;
let demo;

before(async () => {
  const lines = [];
  for (const [name, scopes] of [['a.reader', 'read'], ['m.keller', 'read,decide']]) {
    const printed = await vigie('token', 'new', '--name', name, '--scopes', scopes);
    tokens[name] = /^vigie_\S+$/m.exec(printed)[0];
    lines.push(new RegExp(`^${name} .*$`, 'm').exec(printed)[0]);
  }
  const file = path.join(folder, 'tokens');
  writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
  [browser, demo] = await Promise.all([launch(), startDemo('--tokens', file, '--speed', '1')]);
  // Time all but stands, so that a proposal that is there stays.
  await pastTold(demo.url, { authorization: `Bearer ${tokens['a.reader']}` });
});
after(async () => {
  await browser?.close();
  await demo?.stop();
  rmSync(folder, { recursive: true });
});

/** Opens the console as somebody whom the browser asked for a name and a token. */
async function openAs(name) {
  const opened = await open(browser, { httpCredentials: { username: name, password: tokens[name] }, host: new URL(demo.url).host });
  opened.visit = async (hash) => {
    await opened.page.goto(new URL(hash, demo.url).href);
    await settled(opened.page);
  };
  // The first answer to a browser without credentials is the question for them.
  opened.wrongsLeft = () => opened.wrongs.filter((wrong) => !/^401 |status of 401/.test(wrong));
  return opened;
}

/** Goes to the proposals until there is one. */
async function visitProposals({ page, visit }) {
  for (const end = Date.now() + LIMIT_MS; Date.now() < end;) {
    await visit('#/proposals');
    if (await page.locator('tbody tr').count()) return;
    await page.reload();
  }
  assert.fail('no proposal was made');
}

test('without a credential nothing answers but whether it lives', TEST_LIMIT, async () => {
  const status = async (at, headers = {}) => (await fetch(new URL(at, demo.url), { headers })).status;
  assert.equal(await status('live'), 200);
  for (const at of ['', 'assets/main.js', 'v1/me', 'v1/buyers', 'v1/portfolio.csv', 'v1/events', 'metrics', 'ready', 'openapi.json', 'docs']) {
    assert.equal(await status(at), 401, `/${at}`);
    assert.equal(await status(at, { authorization: 'Bearer vigie_0' }), 401, `/${at} with a token that is none`);
  }
  const asked = await fetch(demo.url);
  assert.match(asked.headers.get('www-authenticate'), /Basic realm="vigie"/, 'so that a browser asks by itself');
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(demo.url).catch(() => null);
  assert.equal(await page.locator('.top').count(), 0, 'the page itself stays closed');
  await context.close();
});

test('who may only read sees all and is offered no decision', TEST_LIMIT, async () => {
  const reader = await openAs('a.reader');
  await visitProposals(reader);
  assert.equal(await reader.page.locator('.decisions button').count(), 0, 'nothing to approve');
  await reader.page.locator('#about', { hasText: 'a.reader' }).waitFor();
  await reader.page.locator('#live', { hasText: 'Live' }).waitFor();
  await shootWindow(reader.page, 'reader');
  await reader.page.locator('tbody th a').first().click();
  await settled(reader.page);
  await reader.page.getByText('You may read here, and not decide.').waitFor();
  assert.equal(await reader.page.getByRole('button', { name: /^(Approve|Amend|Reject|Snooze)/ }).count(), 0);
  await reader.visit('#/order-check');
  assert.equal(await reader.page.locator('#hold').count(), 0, 'nothing to hold');
  // What the page does not offer the server does not take either.
  const { status, text } = await reader.page.evaluate(async () => {
    const { items } = await (await fetch('/v1/proposals?state=all&limit=1')).json();
    const body = JSON.stringify({ decision: 'approve' });
    const answer = await fetch(`/v1/proposals/${items[0].proposal_id}/decision`, { method: 'POST', headers: { 'content-type': 'application/json', 'if-match': `"${items[0].version}"` }, body });
    return { status: answer.status, text: await answer.text() };
  });
  assert.equal(status, 403, text);
  assert.deepEqual(reader.wrongsLeft().filter((wrong) => !wrong.includes('403')), []);
  await reader.context.close();
});

test('who may decide is offered it', TEST_LIMIT, async () => {
  const arbiter = await openAs('m.keller');
  await visitProposals(arbiter);
  assert.ok(await arbiter.page.locator('.decisions button').count() > 0);
  assert.deepEqual(arbiter.wrongsLeft(), []);
  await arbiter.context.close();
});

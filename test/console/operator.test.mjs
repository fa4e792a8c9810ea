// What whoever is on call does.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { alert, call, converter, launch, open, reached, upload } from './browser.mjs'

let browser
before(async () => {
  browser = await launch()
})
after(() => browser.close())

/** Uploads of a name that fail, and wait for a decision. */
async function failed(name, count = 1) {
  await converter('break')
  const ids = await Promise.all(Array.from({ length: count }, () => upload('tune.ogg', name)))
  await Promise.all(ids.map((id) => reached(id, 'dead_lettered')))
  await converter('mend')
  return ids
}

/** Confirms the dialog that is open, with a reason. */
async function confirm(page, name) {
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Reason').fill('the converter is mended')
  await dialog.getByRole('button', { name, exact: true }).click()
}

test('an alert leads to the decision by one link', async () => {
  const [id] = await failed('alone.ogg')
  let text = ''
  while (!text.includes(id)) text = await alert()
  const [link] = text.match(/https:\/\/orak\.example\.org\/operate\/dead-letters\/[0-9a-f-]+/) ?? assert.fail(text)
  assert.ok(link.endsWith(id), link)

  const { page, close } = await open(browser, { path: new URL(link).pathname })
  await page.getByRole('button', { name: 'Reprocess…' }).click()
  await confirm(page, 'Reprocess')
  await reached(id, 'completed')
  await page.getByRole('heading', { name: /does not wait for a decision/ }).waitFor()
  await close()

  const { acts } = await call('GET', '/v1/audit?act=dead-letter.reprocess')
  assert.ok(acts.some((act) => act.subject === id), JSON.stringify(acts))
})

test('many are decided at once: counted first, then done', async () => {
  const ids = await failed('many.ogg', 6)
  const { page, close } = await open(browser, { path: '/operate/dead-letters?text=many' })
  await page.getByText('6 dead letters match').waitFor()
  await page.getByRole('button', { name: 'Select all 6 that match' }).click()
  await page.getByRole('button', { name: 'Reprocess…' }).click()
  await page.getByRole('dialog', { name: 'Reprocess 6 uploads?' }).waitFor()
  await confirm(page, 'Reprocess')
  await page.getByText('Reprocessing is done').waitFor()
  await page.getByText('6 decided').waitFor()
  await Promise.all(ids.map((id) => reached(id, 'completed')))
  await page.getByRole('heading', { name: 'No dead letter matches' }).waitFor()
  await close()
})

test('of two operators, the second is told that the first decided', async () => {
  const [id] = await failed('contested.ogg')
  const first = await open(browser, { path: `/operate/dead-letters/${id}` })
  const second = await open(browser, { path: `/operate/dead-letters/${id}` })
  await second.page.getByRole('button', { name: 'Reprocess…' }).click()
  await first.page.getByRole('button', { name: 'Discard…' }).click()
  await confirm(first.page, 'Discard')
  await reached(id, 'discarded')
  const dialog = second.page.getByRole('dialog')
  const elsewhere = second.page.getByText(/Somebody else decided|does not wait for a decision/)
  if (await dialog.isVisible()) await confirm(second.page, 'Reprocess').catch((error) => elsewhere.isVisible().then((told) => assert.ok(told, error)))
  await elsewhere.first().waitFor()
  await first.close()
  await second.close()
})

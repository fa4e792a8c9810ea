// Each view in light, dark, phone and Korean: nothing that axe finds, nothing wider than the
// screen, and a picture of it where ORAK_SCREENSHOTS names a folder.
import assert from 'node:assert/strict'
import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { call, converter, launch, open, reached, upload } from './browser.mjs'

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const pictures = process.env.ORAK_SCREENSHOTS

const looks = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 860 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 860 } },
  phone: { colorScheme: 'light', viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true },
  korean: { colorScheme: 'light', viewport: { width: 1280, height: 860 }, locale: 'ko-KR' },
}

let browser
const views = {
  home: '/',
  recordings: '/uploads',
  operate: '/operate',
  'dead-letters': '/operate/dead-letters',
  'operate-uploads': '/operate/uploads',
  queues: '/operate/queues',
  lag: '/operate/lag',
  topics: '/operate/topics',
  outages: '/operate/outages',
  reconcile: '/operate/reconcile',
  sinks: '/operate/sinks',
  keys: '/admin/keys',
  tenants: '/admin/tenants',
  settings: '/admin/settings',
  webhooks: '/admin/webhooks',
  audit: '/admin/audit',
  songs: '/operate/songs',
  'no-such-page': '/none/such',
}

before(async () => {
  browser = await launch()
  const good = await upload('tune.m4a')
  await reached(good, 'completed')
  await converter('break')
  const failed = await upload('tune.ogg')
  await reached(failed, 'dead_lettered')
  await converter('mend')
  views.recording = `/uploads/${good}`
  views.failed = `/uploads/${failed}`
  views['operate-upload'] = `/operate/uploads/${good}`
  views['dead-letter'] = `/operate/dead-letters/${failed}`
  if (pictures) await mkdir(pictures, { recursive: true })
})
after(() => browser.close())

/** Waits until the page has what it shows. */
async function settled(page) {
  await page.getByRole('heading', { level: 1 }).waitFor()
  await page.waitForFunction(() => !document.querySelector('[data-loading], [aria-busy=true]'))
}

/** What axe finds, in a line each. */
async function findings(page) {
  // Evaluated by the browser's own protocol, which the Content-Security-Policy does not concern.
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  return violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.target.join(' ')).join(', ')}`)
}

for (const [look, options] of Object.entries(looks)) {
  test(`each view, ${look}`, async (t) => {
    const session = await open(browser, options)
    for (const [name, path] of Object.entries(views)) {
      await t.test(name, async () => {
        await session.page.goto(process.env.ORAK_SERVER + path)
        await settled(session.page)
        if (pictures) await session.page.screenshot({ path: join(pictures, `${name}-${look}.png`), fullPage: true, animations: 'disabled' })
        assert.deepEqual(await findings(session.page), [])
        const wide = await session.page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
        assert.ok(wide <= 0, `${path} is ${wide} px wider than the screen`)
      })
    }
    await session.close()
  })
}

test('a message says what was done, above the page and by keyboard', async () => {
  const { id } = await call('POST', '/v1/admin/keys', { name: 'gone soon', scopes: ['read'] })
  const { page, close } = await open(browser, { path: `/admin/keys?q=${id}` })
  await page.getByRole('button', { name: 'Revoke gone soon' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke', exact: true }).click()
  const message = page.getByRole('region', { name: 'Messages (F8)' }).getByText('“gone soon” is revoked.')
  await message.waitFor()
  assert.deepEqual(await findings(page), [])
  await page.keyboard.press('F8')
  await page.keyboard.press('Escape')
  await message.waitFor({ state: 'detached' })
  await close()
})

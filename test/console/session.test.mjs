// Logging in and out of the console, and what a session leaves behind.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { address, call, launch, open, person, server } from './browser.mjs'

let browser
before(async () => {
  browser = await launch()
})
after(() => browser.close())

/** A key of its own, so that it can be revoked. */
function newKey(name, scopes) {
  return call('POST', '/v1/admin/keys', { name, scopes })
}

async function enter(page, key) {
  await page.getByLabel('API key').fill(key)
  await page.getByRole('button', { name: 'Log in' }).click()
}

test('an address logs in once, and leaves no secret behind', async () => {
  const url = await address()
  const first = await browser.newPage({ locale: 'en-US' })
  await first.goto(url)
  await first.getByRole('navigation', { name: 'Main' }).waitFor()
  assert.equal(new URL(first.url()).hash, '')
  const kept = await first.evaluate(() => JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]))
  assert.doesNotMatch(kept, /orak_|code|session/i)
  await first.close()

  const second = await browser.newPage({ locale: 'en-US' })
  await second.goto(url)
  await second.getByRole('alert').getByText('has been used or has expired').waitFor()
  await second.close()
})

test('a key logs in, and a wrong one is refused in words', async () => {
  const { key } = await newKey('a person', ['read', 'upload'])
  const page = await browser.newPage({ locale: 'en-US' })
  await page.goto(server)
  await enter(page, `${key.slice(0, -4)}0000`)
  await page.getByRole('alert').getByText('This key is not valid').waitFor()
  await enter(page, key)
  await page.getByRole('link', { name: 'Recordings' }).waitFor()

  await page.getByRole('button', { name: 'Account and settings' }).click()
  await page.getByRole('menuitem', { name: 'Log out' }).click()
  await page.getByLabel('API key').waitFor()
  await page.reload()
  await page.getByLabel('API key').waitFor()
  await page.close()
})

test('a scope that is missing hides what it permits', async () => {
  const { key } = await newKey('a reader', ['read'])
  const page = await browser.newPage({ locale: 'en-US' })
  await page.goto(server)
  await enter(page, key)
  await page.getByRole('link', { name: 'Recordings' }).waitFor()
  for (const name of ['Sing', 'Operate', 'Admin']) assert.equal(await page.getByRole('link', { name, exact: true }).count(), 0, name)
  await page.goto(`${server}/operate/dead-letters`)
  await page.getByRole('heading', { name: 'Not permitted' }).waitFor()
  await page.goto(`${server}/admin/keys`)
  await page.getByRole('heading', { name: 'Not permitted' }).waitFor()
  await page.close()
})

test('an operator who may not read uploads sees no links to them', async () => {
  const { key } = await newKey('an operator', ['operate'])
  const page = await browser.newPage({ locale: 'en-US' })
  await page.goto(server)
  await enter(page, key)
  await page.getByText('neither makes recordings nor shows them').waitFor()
  await page.getByRole('link', { name: 'Operate', exact: true }).click()
  const pages = page.getByRole('navigation', { name: 'Operate' })
  await pages.getByRole('link', { name: 'Dead letters' }).waitFor()
  assert.equal(await pages.getByRole('link', { name: 'Uploads' }).count(), 0)
  await page.goto(`${server}/operate/uploads`)
  await page.getByRole('heading', { name: 'Not permitted' }).waitFor()
  await page.close()
})

test('a session that ends asks for a key where the person was', async () => {
  const { id, key } = await newKey('to be revoked', ['read', 'operate'])
  const page = await browser.newPage({ locale: 'en-US' })
  await page.goto(server)
  await enter(page, key)
  await page.goto(`${server}/uploads?text=tune`)
  await page.getByRole('heading', { level: 1 }).waitFor()
  await call('DELETE', `/v1/admin/keys/${id}`)
  await page.waitForFunction(async () => (await fetch('/v1/uploads')).status === 401)
  // The page may notice by itself before the person does anything.
  await page.getByRole('searchbox').fill('tun', { timeout: 5000 }).catch((err) => {
    if (err.name !== 'TimeoutError') throw err
  })
  await page.getByText('Your session has ended').waitFor()
  await enter(page, process.env.ORAK_API_KEY)
  await page.getByRole('heading', { level: 1 }).waitFor()
  assert.match(page.url(), /\/uploads\?text=tune?$/)
  await page.close()
})

/** Ends the session under an open page, which notices when it reads again. */
async function expire(page) {
  await page.context().clearCookies()
  await page.evaluate(() => window.dispatchEvent(new Event('online')))
  await page.getByText('Your session has ended').waitFor()
}

async function logInAtProvider(page) {
  await page.getByRole('link', { name: 'Log in with your organization' }).click()
  await page.getByRole('navigation', { name: 'Main' }).waitFor()
}

test('a login at the identity provider loses neither the address, nor a take, nor a file on its way', async () => {
  const context = await browser.newContext({ locale: 'en-US', permissions: ['microphone'] })
  const page = await context.newPage()
  const asked = []
  page.on('dialog', (dialog) => {
    asked.push(dialog.type())
    return dialog.accept()
  })
  await page.goto(`${server}/uploads?text=tune`)
  await logInAtProvider(page)
  assert.equal(page.url(), `${server}/uploads?text=tune`)

  await page.getByRole('link', { name: 'Sing', exact: true }).click()
  await page.getByRole('button', { name: 'Record', exact: true }).click()
  await page.getByText('0:02').waitFor()
  await expire(page)
  // What is being recorded is a take from then on.
  await logInAtProvider(page)
  await page.getByRole('button', { name: 'Listen', exact: true }).waitFor()
  assert.equal(page.url(), `${server}/`)

  // What was sent already is refused, and waits.
  await context.clearCookies()
  await page.getByRole('button', { name: 'Send', exact: true }).click()
  await page.getByText('Your session has ended').waitFor()
  await logInAtProvider(page)
  await page.waitForURL(/\/uploads\/[0-9a-f-]{36}$/)
  assert.deepEqual(asked, [])
  const left = await page.evaluate(async () => {
    const [found] = await indexedDB.databases()
    const db = await new Promise((resolve) => {
      indexedDB.open(found.name).onsuccess = ({ target }) => resolve(target.result)
    })
    return new Promise((resolve) => {
      db.transaction('luggage').objectStore('luggage').count().onsuccess = ({ target }) => resolve(target.result)
    })
  })
  assert.equal(left, 0)
  await context.close()
})

test('nobody else gets what somebody left who went to log in', async () => {
  const context = await browser.newContext({ locale: 'en-US', permissions: ['microphone'] })
  const page = await context.newPage()
  await page.goto(server)
  await logInAtProvider(page)
  await page.getByRole('button', { name: 'Record', exact: true }).click()
  await page.getByText('0:01').waitFor()
  await expire(page)
  await person('tenor')
  await logInAtProvider(page)
  await page.getByRole('button', { name: 'Record', exact: true }).waitFor()
  // Another login of the same one would have had it back.
  await page.reload()
  await page.getByRole('button', { name: 'Record', exact: true }).waitFor()
  assert.equal(await page.getByRole('button', { name: 'Listen', exact: true }).count(), 0)
  await person('alto')
  await context.close()
})

test('the language and the theme are chosen and remembered', async () => {
  const { page, close } = await open(browser, { locale: 'ko-KR' })
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'ko')
  await page.getByRole('navigation', { name: '주 메뉴' }).waitFor()
  await page.getByRole('button', { name: '계정과 설정' }).click()
  await page.getByRole('menuitemradio', { name: 'English' }).click()
  await page.getByRole('navigation', { name: 'Main' }).waitFor()
  await page.getByRole('menuitemradio', { name: 'Dark' }).click()
  await page.reload()
  await page.getByRole('navigation', { name: 'Main' }).waitFor()
  assert.deepEqual(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dataset.theme]), ['en', 'dark'])
  await close()
})

test('a hidden tab follows nothing, and is right again when it is shown', async () => {
  const { page, close } = await open(browser)
  const isStream = (request) => new URL(request.url()).pathname === '/v1/events'
  function show(state) {
    return page.evaluate((visibility) => {
      Object.defineProperty(document, 'visibilityState', { value: visibility, configurable: true })
      document.dispatchEvent(new Event('visibilitychange'))
    }, state)
  }
  const ended = page.waitForEvent('requestfailed', isStream)
  await show('hidden')
  await ended
  const begun = page.waitForEvent('request', isStream)
  const read = page.waitForEvent('request', (request) => request.url().includes('/v1/uploads?'))
  await show('visible')
  await Promise.all([begun, read])
  await close()
})

test('the page is small, cached, and refuses foreign code', async () => {
  const { page, close } = await open(browser)
  await page.goto(server, { waitUntil: 'networkidle' })
  const scripts = await page.evaluate(() =>
    performance.getEntriesByType('resource').filter((r) => r.name.endsWith('.js')).map((r) => [r.name, r.encodedBodySize]),
  )
  const bytes = scripts.reduce((sum, [, size]) => sum + size, 0)
  assert.ok(bytes > 0 && bytes <= 150_000, `${bytes} bytes of JavaScript: ${JSON.stringify(scripts)}`)

  const asset = await fetch(scripts[0][0])
  assert.match(asset.headers.get('Cache-Control'), /immutable/)
  const index = await fetch(server, { headers: { Accept: 'text/html' } })
  const policy = index.headers.get('Content-Security-Policy')
  assert.match(policy, /default-src 'none'/)
  assert.doesNotMatch(policy, /unsafe/)
  const missing = await fetch(`${server}/assets/none-12345678.js`, { headers: { Accept: 'text/html' } })
  assert.equal(missing.status, 404)
  assert.doesNotMatch(await missing.text(), /<!doctype/i)
  await close()
})

// What the person with a microphone does.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { call, files, launch, open, server, wire } from './browser.mjs'

let browser
before(async () => {
  browser = await launch()
})
after(() => browser.close())

/** Lets files fall on the page, as if they were dragged there. */
async function drop(page, contents) {
  await page.getByRole('button', { name: 'Choose files' }).waitFor()
  const transfer = await page.evaluateHandle((dropped) => {
    const data = new DataTransfer()
    for (const { name, type, base64 } of dropped) {
      data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, { type }))
    }
    return data
  }, contents)
  for (const event of ['dragenter', 'dragover', 'drop']) await page.dispatchEvent('main', event, { dataTransfer: transfer })
}

async function file(name, type) {
  return { name, type, base64: (await readFile(join(files, name))).toString('base64') }
}

test('a recording ends with its result and songs', async () => {
  const { page, close } = await open(browser)
  await page.evaluate(() => {
    const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices)
    navigator.mediaDevices.getUserMedia = (constraints) => {
      globalThis.asked = constraints
      return ask(constraints)
    }
  })
  await page.getByRole('button', { name: 'Record', exact: true }).click()
  await page.getByText('0:05').waitFor()
  assert.deepEqual(
    await page.evaluate(() => ['echoCancellation', 'noiseSuppression', 'autoGainControl'].map((name) => globalThis.asked.audio[name])),
    [false, false, false],
  )
  await page.getByRole('button', { name: 'Pause' }).click()
  await page.getByText('Nothing is being recorded').waitFor()
  await page.getByRole('button', { name: 'Go on' }).click()
  await page.getByText('0:07').waitFor()
  await page.getByRole('button', { name: 'Finish' }).click()

  // Leaving with an unsent take asks first.
  await page.getByRole('link', { name: 'Recordings', exact: true }).click()
  await page.getByRole('dialog', { name: 'Leave without sending?' }).getByRole('button', { name: 'Stay' }).click()
  await page.getByRole('button', { name: 'Send', exact: true }).click()

  await page.waitForURL(/\/uploads\/[0-9a-f-]{36}$/)
  await page.getByRole('heading', { name: 'Your voice' }).waitFor({ timeout: 60_000 })
  await page.getByRole('img', { name: /Piano keyboard with your range/ }).waitFor()
  await page.getByRole('heading', { name: 'Songs that fit you' }).waitFor()
  await page.getByText(/^Sing it/).first().waitFor({ timeout: 60_000 })
  await close()
})

test('everything is in step with the playing', async () => {
  const { page, close } = await open(browser)
  await drop(page, [await file('tune.wav', 'audio/wav')])
  await page.waitForURL(/\/uploads\/[0-9a-f-]{36}$/)
  await page.getByRole('button', { name: 'Play', exact: true }).click({ timeout: 60_000 })
  const position = page.getByRole('slider', { name: 'Position in the recording' })
  await page.waitForFunction(() => Number(document.querySelector('[role=slider][aria-label="Position in the recording"], input[aria-label="Position in the recording"]')?.getAttribute('aria-valuenow') ?? document.querySelector('input[aria-label="Position in the recording"]')?.value) > 0.5)
  const text = await position.getAttribute('aria-valuetext')
  assert.match(text, /[A-G][♯♭]?\d|no note/)
  await page.getByRole('button', { name: 'Pause', exact: true }).click()

  // The link works for others of the tenant.
  await page.getByRole('button', { name: 'Copy link' }).click()
  const link = await page.evaluate(() => navigator.clipboard.readText())
  assert.equal(link, page.url())
  const other = await open(browser, { path: new URL(link).pathname })
  await other.page.getByRole('heading', { name: 'Your voice' }).waitFor()
  await other.close()
  await close()
})

test('five kinds of files are taken, and a text is refused in words', async () => {
  const { page, close } = await open(browser)
  const names = { 'tune.wav': 'audio/wav', 'tune.m4a': 'audio/mp4', 'tune.mp3': 'audio/mpeg', 'tune.ogg': 'audio/ogg', 'tune.flac': 'audio/flac' }
  const dropped = await Promise.all(Object.entries({ ...names, 'lyrics.txt': 'text/plain' }).map(([name, type]) => file(name, type)))
  await drop(page, dropped)
  await page.getByRole('alert').getByText('lyrics.txt is not a recording').waitFor()
  for (const name of Object.keys(names)) {
    await page.getByRole('listitem').filter({ hasText: name }).getByRole('link', { name: 'See the result' }).first().waitFor({ timeout: 60_000 })
  }
  // Its name says audio, and its content does not.
  const text = await readFile(join(files, 'lyrics.txt'))
  await drop(page, [{ name: 'song.wav', type: 'audio/wav', base64: text.toString('base64') }])
  await page.getByRole('listitem').filter({ hasText: 'song.wav' }).getByRole('alert').getByText('not a recording').waitFor()
  await close()
})

test('sending goes on after the network was lost', async () => {
  const network = await wire()
  const { page, context, close } = await open(browser, { at: network.url })
  // Slow enough to be cut in the middle.
  const devtools = await context.newCDPSession(page)
  await devtools.send('Network.enable')
  await devtools.send('Network.emulateNetworkConditions', { offline: false, latency: 5, downloadThroughput: -1, uploadThroughput: 3 << 20 })
  const tune = await readFile(join(files, 'tune.wav'))
  const long = Buffer.concat([tune, Buffer.alloc(24 << 20)])
  long.writeUInt32LE(long.length - 8, 4)
  long.writeUInt32LE(long.length - 44, 40)
  await page.locator('input[type=file]').setInputFiles({ name: 'long.wav', mimeType: 'audio/wav', buffer: long })
  const row = page.getByRole('listitem').filter({ hasText: 'long.wav' })
  await row.getByText(/^[1-9][\d.]* MB of/).waitFor()
  network.cut()
  await row.getByText('The connection was lost').waitFor()
  network.mend()
  await page.waitForURL(/\/uploads\/[0-9a-f-]{36}$/, { timeout: 90_000 })
  const id = page.url().split('/').pop()
  const { size } = await call('GET', `/v1/uploads/${id}`)
  assert.equal(size, long.length)
  await close()
  network.close()
})

test('a recording is erased only after a question', async () => {
  const { page, close } = await open(browser)
  await drop(page, [await file('tune.mp3', 'audio/mpeg')])
  await page.waitForURL(/\/uploads\/[0-9a-f-]{36}$/)
  await page.getByRole('heading', { name: 'Your voice' }).waitFor({ timeout: 60_000 })
  await page.getByRole('button', { name: 'More', exact: true }).click()
  await page.getByRole('menuitem', { name: 'Erase' }).click()
  await page.getByRole('alertdialog', { name: 'Erase this recording?' }).getByRole('button', { name: 'Erase for good' }).click()
  await page.waitForURL(`${server}/uploads`)
  await page.goBack()
  await page.getByRole('heading', { name: 'This recording was erased' }).waitFor()
  await close()
})

test('on a phone, in Korean, a file is sent and its result shown', async () => {
  const { page, close } = await open(browser, { locale: 'ko-KR', viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true })
  await page.locator('input[type=file]').setInputFiles(join(files, 'tune.m4a'))
  await page.waitForURL(/\/uploads\/[0-9a-f-]{36}$/)
  await page.getByRole('heading', { name: '어울리는 노래' }).or(page.getByRole('heading', { name: /노래/ })).first().waitFor({ timeout: 60_000 })
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= document.documentElement.clientWidth))
  await close()
})

test('what is typed into a filter stays as it was typed', async () => {
  const { page, close } = await open(browser)
  for (const [path, name] of [['/uploads', 'text'], ['/operate/uploads', 'text'], ['/admin/keys', 'q']]) {
    await page.goto(server + path)
    const field = page.getByRole('searchbox').last()
    // Slower than the pause after which the text is used: the address changes in the middle.
    await field.pressSequentially('my', { delay: 400 })
    await field.pressSequentially(' tune', { delay: 90 })
    await page.waitForURL((url) => url.searchParams.get(name) === 'my tune')
    assert.equal(await field.inputValue(), 'my tune', path)
  }
  await close()
})

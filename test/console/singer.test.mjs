// What the person with a microphone does.
import assert from 'node:assert/strict'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
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

/** A recording of 24 MiB more than the tune. */
async function longTune() {
  const tune = await readFile(join(files, 'tune.wav'))
  const long = Buffer.concat([tune, Buffer.alloc(24 << 20)])
  long.writeUInt32LE(long.length - 8, 4)
  long.writeUInt32LE(long.length - 44, 40)
  return long
}

/** Sends slowly enough that something can happen in the middle; the answer makes it fast again. */
async function slow(page) {
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Network.enable')
  const conditions = { offline: false, latency: 5, downloadThroughput: -1 }
  await devtools.send('Network.emulateNetworkConditions', { ...conditions, uploadThroughput: 3 << 20 })
  return () => devtools.send('Network.emulateNetworkConditions', { ...conditions, latency: 0, uploadThroughput: -1 })
}

function row(page, name) {
  return page.getByRole('listitem').filter({ hasText: name })
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
  const { page, close } = await open(browser, { at: network.url })
  await slow(page)
  const long = await longTune()
  await page.locator('input[type=file]').setInputFiles({ name: 'long.wav', mimeType: 'audio/wav', buffer: long })
  await row(page, 'long.wav').getByText(/^[1-9][\d.]* MB of/).waitFor()
  network.cut()
  await row(page, 'long.wav').getByText('The connection was lost').waitFor()
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

test('two tabs that are given the same file send it once, and show the same result', async () => {
  const { page, context, close } = await open(browser)
  const path = join(files, 'twice.wav')
  await writeFile(path, await longTune())
  const fast = await slow(page)
  await page.locator('input[type=file]').setInputFiles(path)
  await row(page, 'twice.wav').getByText(/^[1-9][\d.]* MB of/).waitFor()

  const second = await context.newPage()
  const sent = []
  second.on('request', (request) => request.url().includes('/v1/tus') && sent.push(request.method()))
  await second.goto(server)
  await second.getByRole('button', { name: 'Choose files' }).waitFor()
  // What the first tab sends is not unfinished.
  assert.equal(await second.getByText('Not yet sent in full').count(), 0)
  await second.locator('input[type=file]').setInputFiles(path)
  await row(second, 'twice.wav').getByText('already being sent').waitFor()
  await fast()
  for (const one of [page, second]) await one.waitForURL(/\/uploads\/[0-9a-f-]{36}$/, { timeout: 60_000 })
  assert.equal(second.url(), page.url())
  assert.deepEqual(sent, [])
  await close()
})

test('the second of two tabs goes on when the first is closed', async () => {
  const { page, context, close } = await open(browser)
  const path = join(files, 'closed.wav')
  await writeFile(path, await longTune())
  const second = await context.newPage()
  await second.goto(server)
  await slow(page)
  await page.locator('input[type=file]').setInputFiles(path)
  await row(page, 'closed.wav').getByText(/^[1-9][\d.]* MB of/).waitFor()
  await second.locator('input[type=file]').setInputFiles(path)
  await row(second, 'closed.wav').getByText('already being sent').waitFor()
  await page.close()
  await second.waitForURL(/\/uploads\/[0-9a-f-]{36}$/, { timeout: 60_000 })
  await close()
})

test('a file that is gone while it is sent is named as that, and not as a lost connection', async () => {
  const network = await wire()
  const { page, close } = await open(browser, { at: network.url })
  const path = join(files, 'gone.wav')
  await writeFile(path, await longTune())
  await slow(page)
  await page.locator('input[type=file]').setInputFiles(path)
  await row(page, 'gone.wav').getByText(/^[1-9][\d.]* MB of/).waitFor()
  network.cut()
  await row(page, 'gone.wav').getByText('The connection was lost').waitFor()
  await rm(path)
  await row(page, 'gone.wav').getByRole('alert').getByText('cannot read this file any more').waitFor()
  await close()
  network.close()
})

test('a folder that is dropped gives its recordings, and says what it left out', async () => {
  const { page, context, close } = await open(browser)
  const folder = join(files, 'choir')
  await mkdir(join(folder, 'monday'), { recursive: true })
  for (const [name, from] of [['alto.wav', 'tune.wav'], ['monday/tenor.mp3', 'tune.mp3'], ['notes.txt', 'lyrics.txt']]) {
    await writeFile(join(folder, name), await readFile(join(files, from)))
  }
  const empty = join(files, 'empty')
  await mkdir(empty, { recursive: true })
  // A folder cannot be made in the page: the browser itself drops it.
  const devtools = await context.newCDPSession(page)
  await page.getByRole('button', { name: 'Choose files' }).waitFor()
  async function dropFolder(path) {
    for (const type of ['dragEnter', 'dragOver', 'drop']) {
      await devtools.send('Input.dispatchDragEvent', { type, x: 300, y: 300, data: { items: [], files: [path], dragOperationsMask: 1 } })
    }
  }
  await dropFolder(empty)
  await page.getByRole('alert').getByText('no recording in this folder').waitFor()
  await dropFolder(folder)
  await page.getByText('1 file in the folder is not a recording').waitFor()
  for (const name of ['alto.wav', 'tenor.mp3']) await row(page, name).getByRole('link').first().waitFor()
  await close()
})

test('many files at once do not ask the server all the time', async () => {
  const { page, close } = await open(browser)
  const asked = []
  page.on('request', (request) => /\/v1\/uploads\/[0-9a-f-]{36}$/.test(request.url()) && asked.push(request.url()))
  const one = await file('tune.mp3', 'audio/mpeg')
  const names = Array.from({ length: 8 }, (_, n) => `many-${n}.mp3`)
  await drop(page, names.map((name) => ({ ...one, name })))
  for (const name of names) await row(page, name).getByRole('link', { name: 'See the result' }).first().waitFor({ timeout: 120_000 })
  // Once when it was accepted, and at each change: converted, analyzed, completed.
  assert.ok(asked.length <= 6 * names.length, `${asked.length} requests`)
  await close()
})

test('levels are heard while the tab is not drawn', async () => {
  const { page, close } = await open(browser)
  // As in a tab that nobody sees.
  await page.evaluate(() => {
    globalThis.requestAnimationFrame = () => 0
  })
  await page.getByRole('button', { name: 'Record', exact: true }).click()
  await page.getByRole('button', { name: 'Finish' }).waitFor()
  // Nothing on the page shows that time passes.
  await page.waitForTimeout(2_000)
  await page.getByRole('button', { name: 'Finish' }).click()
  await page.getByRole('button', { name: 'Listen', exact: true }).waitFor()
  assert.equal(await page.getByText('This take is very quiet').count(), 0)
  await page.getByRole('button', { name: 'Throw away' }).click()
  await close()
})

test('what is wrong in a filter stands in its field', async () => {
  const { page, close } = await open(browser, { path: '/uploads?low=A2' })
  const low = page.getByLabel('Reaches down to')
  await low.fill('X9')
  await page.getByRole('alert').getByText('This is no note').waitFor()
  assert.equal(await low.getAttribute('aria-invalid'), 'true')
  assert.equal(await low.inputValue(), 'X9')
  await low.fill('c3')
  await page.waitForURL((url) => url.searchParams.get('low') === 'C3')
  assert.equal(await page.getByRole('alert').count(), 0)
  await page.getByLabel('Tempo (bpm), from').fill('fast')
  await page.getByRole('alert').getByText('A number').waitFor()
  await page.getByLabel('Tempo (bpm), from').fill('120')
  await page.getByLabel('Tempo (bpm), to').fill('60')
  await page.getByRole('alert').getByText('neither is used').waitFor()
  // It stays to be corrected.
  await low.fill('X9')
  await page.getByLabel('Reaches up to').focus()
  await page.getByRole('alert').getByText('This is no note').waitFor()
  assert.equal(await low.inputValue(), 'X9')
  await close()
})

test('songs and voices that are not compared yet are said to be, at once', async () => {
  const { page, close } = await open(browser)
  const problem = { type: 'urn:orak:problem:not-indexed', title: 'Not indexed', status: 409, detail: 'Not yet.' }
  let waiting = true
  await page.route(/\/v1\/uploads\/[^/]+\/(songs|similar)/, (route) => {
    if (!waiting) return route.continue()
    return route.fulfill({ status: 409, contentType: 'application/problem+json', body: JSON.stringify(problem) })
  })
  await drop(page, [await file('tune.flac', 'audio/flac')])
  await page.getByText('Songs are being compared').waitFor({ timeout: 60_000 })
  await page.getByText('Voices are being compared').waitFor()
  // Screen readers were told that it is ready, though they began on another page.
  await page.getByRole('status').filter({ hasText: /^Ready$/ }).waitFor({ state: 'attached' })
  waiting = false
  await page.getByText(/^Sing it/).first().waitFor({ timeout: 60_000 })
  await close()
})

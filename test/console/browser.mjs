// A real browser for the tests of the console: Debian's Chromium, with a microphone that
// hears a recording.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

/** Where the service is, and what the tests have beside it. */
export const server = process.env.ORAK_SERVER
export const files = process.env.ORAK_FILES
const key = process.env.ORAK_API_KEY
const desk = process.env.ORAK_DESK

/** Starts the browser. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.ORAK_CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      `--use-file-for-fake-audio-capture=${join(files, 'tune.wav')}`,
    ],
  })
}

/** Calls the API with the key of the stack. */
export async function call(method, path, body) {
  const answer = await fetch(server + path, {
    method,
    headers: { Authorization: `Bearer ${key}`, ...(body && { 'Content-Type': 'application/json' }) },
    body: body && JSON.stringify(body),
  })
  const text = await answer.text()
  assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`)
  return text && JSON.parse(text)
}

/** The address that logs in once, as the stack prints it. */
export async function address() {
  const { code } = await call('POST', '/v1/login-codes')
  return `${server}/login#code=${code}`
}

/** Breaks or mends the converter: while it is broken, uploads fail. */
export async function converter(state) {
  const answer = await fetch(`${desk}/${state}`, { method: 'POST' })
  assert.ok(answer.ok, await answer.text())
}

/** Puts somebody at the browser, whom the identity provider then logs in. */
export async function person(name) {
  const answer = await fetch(`${desk}/person/${name}`, { method: 'POST' })
  assert.ok(answer.ok, await answer.text())
}

/** The text of the next alert. */
export async function alert() {
  return (await fetch(`${desk}/alerts`)).text()
}

/**
 * Opens a page that is logged in. Whatever the page reports as an error, such as a refusal by its
 * Content-Security-Policy, fails the test that closes it.
 */
export async function open(browser, { path = '/', at = server, ...options } = {}) {
  const context = await browser.newContext({ locale: 'en-US', permissions: ['microphone', 'clipboard-read', 'clipboard-write'], ...options })
  const page = await context.newPage()
  const errors = []
  page.on('pageerror', (error) => errors.push(error.stack ?? String(error)))
  page.on('console', (message) => {
    // The browser reports each answer of 400 and above; pages show those in words.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) errors.push(message.text())
  })
  await page.goto((await address()).replace(server, at))
  await page.getByRole('navigation').first().waitFor()
  if (path !== '/') await page.goto(at + path)
  return {
    page,
    context,
    async close() {
      await context.close()
      assert.deepEqual(errors, [])
    },
  }
}

/** Uploads one of the files by the API, under a name of its own if it is given; its id. */
export async function upload(file = 'tune.wav', name = file) {
  const form = new FormData()
  form.set('file', new Blob([await readFile(join(files, file))]), name)
  const answer = await fetch(`${server}/v1/uploads`, { method: 'POST', headers: { Authorization: `Bearer ${key}` }, body: form })
  assert.equal(answer.status, 202, await answer.clone().text())
  return (await answer.json()).id
}

/** Waits until an upload has a status, over the API's events. */
export async function reached(id, status) {
  const stop = AbortSignal.timeout(60_000)
  for (;;) {
    const answer = await fetch(`${server}/v1/uploads/${id}/events`, { headers: { Authorization: `Bearer ${key}` }, signal: stop })
    assert.equal(answer.status, 200, await answer.clone().text())
    let text = ''
    for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
      text += part
      if (text.includes(`"status":"${status}"`)) {
        return
      }
    }
  }
}

/** A way to the service that can be cut: connections that are open end, and new ones are refused. */
export async function wire() {
  const { hostname, port } = new URL(server)
  const open = new Set()
  let whole = true
  const way = createServer((near) => {
    if (!whole) return near.resetAndDestroy()
    const far = connect(port, hostname)
    for (const [from, to] of [[near, far], [far, near]]) {
      open.add(from)
      from.on('error', () => to.destroy())
      from.on('close', () => open.delete(from) && to.destroy())
      from.pipe(to)
    }
  })
  await new Promise((listening) => way.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${way.address().port}`,
    cut() {
      whole = false
      for (const socket of open) socket.resetAndDestroy()
    },
    mend() {
      whole = true
    },
    close() {
      way.close()
    },
  }
}

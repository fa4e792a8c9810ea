// How fast the console is where it has most to show: a recording of one hour, and 100,000 dead letters.
import assert from 'node:assert/strict'
import { call, launch, open, reached, upload } from './browser.mjs'

const browser = await launch()

/** Frames that the browser drew each second while `act` ran, from its own trace. */
async function framesPerSecond(page, act) {
  const devtools = await page.context().newCDPSession(page)
  const events = []
  devtools.on('Tracing.dataCollected', ({ value }) => events.push(...value))
  const complete = new Promise((done) => devtools.once('Tracing.tracingComplete', done))
  await devtools.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['disabled-by-default-devtools.timeline.frame', 'devtools.timeline.frame'] } })
  const began = performance.now()
  await act(devtools)
  const seconds = (performance.now() - began) / 1000
  await devtools.send('Tracing.end')
  await complete
  await devtools.detach()
  return events.filter((event) => event.name === 'DrawFrame').length / seconds
}

/** Inputs a second, as a good mouse sends them. */
const rate = 120

/**
 * Sends the page an event of the mouse at each step for so many seconds. As a mouse does, it does not wait until the
 * page has taken the one before: that would count the round trips. Events go to the browser itself, since the driver
 * asks the page about each move of a drag.
 */
async function lasting(seconds, devtools, event) {
  const sent = []
  const begin = performance.now()
  for (let n = 0; n < seconds * rate; n++) {
    sent.push(devtools.send('Input.dispatchMouseEvent', event(n)))
    await until(begin + ((n + 1) * 1000) / rate)
  }
  await Promise.all(sent)
}

function until(time) {
  return new Promise((done) => setTimeout(done, Math.max(time - performance.now(), 0)))
}

async function hour() {
  const id = await upload('hour.ogg')
  await reached(id, 'completed')
  const { f0_hz } = await call('GET', `/v1/uploads/${id}/pitch`)
  assert.ok(f0_hz.length >= 350_000, `${f0_hz.length} frames`)
  const { page, close } = await open(browser, { path: `/uploads/${id}`, viewport: { width: 1280, height: 860 } })
  const place = page.getByRole('slider', { name: 'Position in the recording' })
  await place.waitFor()
  await page.waitForLoadState('networkidle')
  const { x, y, width, height } = await place.boundingBox()
  const [centre, middle] = [x + width / 2, y + height / 2]
  const at = { x: centre, y: middle }
  const control = 2
  const zoom = await framesPerSecond(page, (devtools) =>
    lasting(10, devtools, (n) => ({ ...at, type: 'mouseWheel', modifiers: control, deltaX: 0, deltaY: n % 240 < 120 ? -15 : 15 })),
  )
  const all = page.getByRole('button', { name: 'Show all' })
  if (await all.isEnabled()) await all.click()
  for (let i = 0; i < 4; i++) await page.getByRole('button', { name: 'Zoom in' }).click()
  await page.mouse.move(centre, middle)
  await page.mouse.down()
  const pan = await framesPerSecond(page, (devtools) =>
    lasting(10, devtools, (n) => ({ ...at, type: 'mouseMoved', x: centre + 200 * Math.sin(n / 30), button: 'left', buttons: 1 })),
  )
  await page.mouse.up()
  console.log(`a recording of one hour: ${zoom.toFixed(0)} frames a second while zooming, ${pan.toFixed(0)} while panning`)
  await close()
}

/** The list with 100,000 letters, which no small machine makes in a reasonable time: the API's answers are made here. */
async function letters() {
  const { page, close } = await open(browser, { viewport: { width: 1280, height: 860 } })
  const size = 100_000
  await page.route('**/v1/dead-letters?*', (route) => {
    const query = new URL(route.request().url()).searchParams
    const begin = Number(query.get('page_token') ?? 0)
    const end = Math.min(size, begin + Number(query.get('page_size') ?? 50))
    const dead_letters = Array.from({ length: end - begin }, (_, i) => letter(begin + i))
    return route.fulfill({ json: { dead_letters, ...(end < size && { next: String(end) }) } })
  })
  await page.route('**/v1/dead-letters/counts*', (route) =>
    route.fulfill({ json: { total: size, exact: true, stages: [], classes: [], groups: [{ stage: 'convert', class: 'transient', count: size }], messages: [], examined: 0 } }),
  )
  await page.goto(`${process.env.ORAK_SERVER}/operate/dead-letters`)
  await page.getByText('100,000 dead letters match').waitFor()
  const list = page.getByRole('grid').or(page.getByRole('table')).first()
  const { x, y, width } = await list.boundingBox()
  await page.keyboard.press('Home')
  const scroll = await framesPerSecond(page, (devtools) =>
    lasting(10, devtools, () => ({ type: 'mouseWheel', x: x + width / 2, y: y + 200, deltaX: 0, deltaY: 60 })),
  )
  const nodes = await page.evaluate(() => document.querySelectorAll('*').length)
  console.log(`100,000 dead letters: ${scroll.toFixed(0)} frames a second while scrolling, ${nodes} elements`)
  await close()
}

function letter(n) {
  const id = `01993e6e-0000-7000-8000-${String(n).padStart(12, '0')}`
  const at = new Date(Date.UTC(2026, 0, 1) - n * 1000).toISOString()
  return { id, tenant: 'default', filename: `take ${n}.m4a`, failure: { stage: 'convert', class: 'transient', message: 'The conversion was interrupted.' }, attempts: 3, cycle: 0, first_at: at, last_at: at, workflow_id: `upload-${id}`, run_id: id }
}

await hour()
await letters()
await browser.close()

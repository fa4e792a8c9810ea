// Sends a recording to orak, waits until a webhook reports its end, prints its analysis
// and saves the converted recording. docs/api.md explains it.
//
//   ORAK_URL=http://127.0.0.1:8080 ORAK_API_KEY="$(cat .orak/api-key)" node sing.js take.wav heard.wav
import { once } from 'node:events'
import { openAsBlob } from 'node:fs'
import { stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { basename } from 'node:path'
import { Webhook } from 'standardwebhooks'

const { ORAK_URL: url, ORAK_API_KEY: key } = process.env
const [recording, heard] = process.argv.slice(2)

// call returns the answer, or throws the problem that orak reports (RFC 9457).
async function call(path, options = {}) {
  const headers = key ? { Authorization: `Bearer ${key}`, ...options.headers } : options.headers
  const answer = await fetch(url + path, { ...options, headers })
  if (answer.ok) return answer
  const { type, title, detail } = await answer.json()
  throw new Error(`orak answered ${answer.status}: ${title}. ${detail} (${type})`)
}

// listen receives webhooks on a port of this machine, and has orak send them there. A
// server elsewhere needs an https URL that it can reach.
async function listen(received) {
  let verifier
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    try {
      // Throws unless the signature is right, and at most five minutes old.
      const event = verifier.verify(body, request.headers)
      // Answer at once: a delivery without an answer in time is sent again.
      response.writeHead(204).end()
      received(event)
    } catch {
      response.writeHead(400).end()
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const answer = await call('/v1/webhooks', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ url: `http://127.0.0.1:${server.address().port}/hooks/orak` }),
  })
  const webhook = await answer.json()
  verifier = new Webhook(webhook.secret)
  return {
    async close() {
      await call(`/v1/webhooks/${webhook.id}`, { method: 'DELETE' })
      server.close()
    },
  }
}

// upload sends a file. The key makes it safe to send it again if the answer is lost.
async function upload(path) {
  const { mtimeMs } = await stat(path)
  const answer = await call('/v1/uploads?owner=user-17', {
    method: 'POST',
    headers: { 'Idempotency-Key': `${basename(path)}-${mtimeMs}` },
    body: await openAsBlob(path),
  })
  return answer.json()
}

// ended resolves once a webhook reports the end of an upload.
const events = new Map()
let wake = () => {}
async function ended(id) {
  while (!events.has(id)) await new Promise((resolve) => { wake = resolve })
  return events.get(id)
}

const hook = await listen((event) => {
  console.log('webhook:', event.type)
  events.set(event.data.upload_id, event.data)
  wake()
})
try {
  const { id, links } = await upload(recording)
  console.log('sent as', id)
  const { status } = await ended(id)
  if (status !== 'completed') throw new Error(`the upload is ${status}`)
  const { pitch, tempo } = await (await call(links.analysis)).json()
  console.log(`range ${pitch.low_note} to ${pitch.high_note}, ${Math.round(tempo.bpm)} beats per minute`)
  const audio = await call(links.audio)
  await writeFile(heard, Buffer.from(await audio.arrayBuffer()))
} finally {
  await hook.close()
}

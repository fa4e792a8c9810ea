// Sends a recording by the tus protocol, and prints the URL of the upload.
//
//	node upload.mjs CLIENT SERVER FILE
//
// CLIENT is tus (tus-js-client, with all bytes in one request), chunks (with a request
// for each 2 MB), or uppy.
import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { Upload } from 'tus-js-client'
import Uppy from '@uppy/core'
import Tus from '@uppy/tus'

const [client, server, path] = process.argv.slice(2)
const endpoint = new URL('/v1/tus', server).href
// Enough for the start of an instance; tus-js-client begins anew with the first delay
// after each attempt that stored something.
const retryDelays = [0, 50, 200, ...Array(60).fill(500)]

function tus(chunkSize) {
  return new Promise((resolve, reject) => {
    const upload = new Upload(createReadStream(path), {
      endpoint, retryDelays, chunkSize,
      // tus-js-client begins anew when a proxy answers 502 to HEAD; with a key, that
      // finds the same upload.
      headers: { 'Idempotency-Key': randomUUID() },
      metadata: { filename: 'take.wav', filetype: 'audio/wav' },
      onError: reject,
      onSuccess: () => resolve(upload.url),
    })
    upload.start()
  })
}

async function uppy() {
  const uppy = new Uppy({ logger: { debug() {}, warn: console.error, error: console.error } })
  uppy.use(Tus, { endpoint, retryDelays, allowedMetaFields: ['name', 'type'] })
  // Uppy is for browsers; in Node its tus-js-client sends a Buffer in place of a Blob.
  const content = await readFile(path)
  uppy.addFile({ name: 'take.wav', type: 'audio/wav', data: Object.assign(content, { size: content.length }) })
  const { successful, failed } = await uppy.upload()
  if (failed.length) throw failed[0].error
  return successful[0].uploadURL
}

const ways = { tus: () => tus(Infinity), chunks: () => tus(2_000_000), uppy }
console.log(await ways[client]())
process.exit() // a connection may be kept

// Sends a recording with Uppy's AWS-S3 plugin, and prints the upload as JSON.
//
//	node upload.mjs SERVER FILE [multipart] [cut]
//
// With cut, the first attempt to send each part fails before it reaches the store.
import { readFile } from 'node:fs/promises'
import Uppy from '@uppy/core'
import AwsS3 from '@uppy/aws-s3'
import xhr from 'xhr2'

// Node has no XMLHttpRequest, and xhr2 sends no Blob.
globalThis.XMLHttpRequest = class extends xhr.XMLHttpRequest {
  send(body) {
    if (!(body instanceof Blob)) return super.send(body)
    body.arrayBuffer().then((bytes) => super.send(Buffer.from(bytes)))
  }
}

const [server, path, ...how] = process.argv.slice(2)
const key = process.env.ORAK_API_KEY
const content = await readFile(path)
const cut = new Set()

async function call(method, route, body) {
  const headers = { 'Content-Type': 'application/json' }
  if (key) headers.Authorization = `Bearer ${key}`
  const answer = await fetch(new URL(route, server), { method, headers, body: body && JSON.stringify(body) })
  if (!answer.ok) throw new Error(`${method} ${route}: ${answer.status} ${await answer.text()}`)
  return answer.status === 204 ? undefined : answer.json()
}

const create = (file, partSize) => call('POST', '/v1/uploads/direct', { size: file.size, filename: file.name, part_size: partSize })

const self = (id) => `/v1/uploads/direct/${id}`
// chunk is Uppy's own choice of the size of a part.
const chunk = (size) => Math.max(5 * 1024 * 1024, Math.ceil(size / 10_000))

const uppy = new Uppy({ logger: { debug() {}, warn: console.error, error: console.error } })
uppy.use(AwsS3, {
  shouldUseMultipart: how.includes('multipart'),
  retryDelays: [10, 10],
  getChunkSize: (file) => chunk(file.size),
  async getUploadParameters(file) {
    const d = await create(file, 0)
    uppy.setFileMeta(file.id, { orak: d.id })
    return { method: d.put.method, url: d.put.url, headers: d.put.headers }
  },
  async createMultipartUpload(file) {
    const d = await create(file, chunk(file.size))
    uppy.setFileMeta(file.id, { orak: d.id })
    return { uploadId: d.id, key: d.id }
  },
  async signPart(file, { uploadId, partNumber }) {
    if (how.includes('cut') && !cut.has(partNumber)) {
      cut.add(partNumber)
      return { url: 'http://127.0.0.1:1/' } // nobody answers there
    }
    const { parts } = await call('POST', `${self(uploadId)}/parts`, { numbers: [partNumber] })
    return { url: parts[0].url, headers: parts[0].headers }
  },
  async listParts(file, { uploadId }) {
    const { parts } = await call('GET', `${self(uploadId)}/parts`)
    return parts.map((p) => ({ PartNumber: p.number, Size: p.size, ETag: p.etag }))
  },
  abortMultipartUpload: (file, { uploadId }) => call('DELETE', self(uploadId)),
  async completeMultipartUpload(file, { uploadId }) {
    const upload = await call('POST', `${self(uploadId)}/complete`)
    return { location: upload.links.self }
  },
})
uppy.addFile({ name: 'take.wav', type: 'audio/wav', data: new Blob([content]) })
const { successful, failed } = await uppy.upload()
if (failed.length) throw failed[0].error
const id = successful[0].meta.orak
// complete may be repeated: after one PUT it is the first time, after parts the second.
console.log(JSON.stringify(await call('POST', `${self(id)}/complete`)))

import { DetailedError, type HttpResponse, Upload } from 'tus-js-client'
import { writeHeaders } from '../../api/client'
import { Problem } from '../../api/problem'
import { endSession } from '../../session/session'
import type { Reports } from './queue'

// tus-js-client begins with the first delay again after each attempt that stored something.
const delays = [0, 1_000, 2_000, 4_000, 8_000, ...Array<number>(60).fill(15_000)]

/** Sends a file by the tus protocol. What an earlier visit of this page sent of it is not sent again. */
export async function send(file: File, reports: Reports): Promise<() => void> {
  const upload = new Upload(file, {
    // In full: the Location of the answer is relative to it.
    endpoint: new URL('/v1/tus', location.origin).href,
    metadata: { filename: file.name },
    headers: { 'Idempotency-Key': crypto.randomUUID() },
    retryDelays: delays,
    removeFingerprintOnSuccess: true,
    onBeforeRequest: (request) => {
      // Read at each request: the session may have been renewed since the file was chosen.
      for (const [name, value] of Object.entries(writeHeaders())) request.setHeader(name, value)
    },
    onShouldRetry: (error) => {
      const status = error.originalResponse?.getStatus() ?? 0
      const passing = status === 0 || status === 409 || status === 423 || status === 429 || status >= 500
      if (passing) reports.interrupted()
      return passing
    },
    onProgress: (sent) => reports.progress(sent),
    onSuccess: () => {
      leave()
      reports.accepted(upload.url?.slice(upload.url.lastIndexOf('/') + 1) ?? '')
    },
    onError: (error) => {
      leave()
      const problem = problemOf(error)
      if (problem.status === 401) endSession()
      reports.failed(problem)
    },
  })

  // A delay is not waited for to its end once the network is back.
  function hurry() {
    void upload.abort().then(() => upload.start())
  }
  function leave() {
    window.removeEventListener('online', hurry)
  }
  window.addEventListener('online', hurry)

  const [earlier] = await upload.findPreviousUploads()
  if (earlier) upload.resumeFromPreviousUpload(earlier)
  upload.start()
  return () => {
    leave()
    void upload.abort(true).catch(() => {})
  }
}

function problemOf(error: Error): Problem {
  const response = error instanceof DetailedError ? error.originalResponse : null
  if (!response) return Problem.offline(error)
  return Problem.of(asResponse(response), parsed(response.getBody()))
}

function asResponse(from: HttpResponse): Response {
  const headers = new Headers()
  for (const name of ['Retry-After', 'X-Request-Id']) {
    const value = from.getHeader(name)
    if (value) headers.set(name, value)
  }
  return new Response(null, { status: from.getStatus(), headers })
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

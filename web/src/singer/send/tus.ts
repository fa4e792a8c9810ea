import { DetailedError, type HttpResponse, Upload } from 'tus-js-client'
import { holder, renewedAfter, writeHeaders } from '../../api/client'
import { Problem } from '../../api/problem'
import { endSession, lastHolder } from '../../session/session'
import { again } from './again'
import { fingerprints, lockOf } from './fingerprint'
import { inTurn } from './inTurn'
import type { Reports } from './queue'
import { readable } from './readable'

// tus-js-client begins with the first delay again after each attempt that stored something.
const delays = [0, 1_000, 2_000, 4_000, 8_000, ...Array<number>(60).fill(15_000)]

// In full: the Location of the answer is relative to it.
const endpoint = new URL('/v1/tus', location.origin).href

const fingerprintOf = fingerprints(endpoint, crypto.subtle)

/** Sends a file by the tus protocol, in one tab at a time. What an earlier visit of this page sent of it is not sent again. */
export const send = inTurn(
  sendHere,
  async (file) => lockOf(lastHolder() ?? '', await fingerprintOf(file)),
  navigator.locks,
)

async function sendHere(file: File, reports: Reports, idempotencyKey: string): Promise<() => Promise<void>> {
  const asked = holder()
  let renewed = false
  let stopped = false
  let pause: ReturnType<typeof setTimeout> | undefined
  const upload = new Upload(file, {
    endpoint,
    fingerprint: (chosen) => fingerprintOf(chosen as File),
    metadata: { filename: file.name },
    headers: { 'Idempotency-Key': idempotencyKey },
    retryDelays: delays,
    removeFingerprintOnSuccess: true,
    onBeforeRequest: (request) => {
      // Read at each request: the session may have been renewed since the file was chosen.
      for (const [name, value] of Object.entries(writeHeaders())) request.setHeader(name, value)
    },
    onShouldRetry: (error) => {
      const problem = problemOf(error)
      // Waits that the server asks for are longer than the delays: onError keeps to them.
      if (!again(problem) || problem.retryAfter) return false
      reports.interrupted(problem)
      if (problem.status === 0) void giveUpUnread()
      return true
    },
    onProgress: (sent) => {
      renewed = false
      reports.progress(sent)
    },
    onSuccess: () => {
      leave()
      reports.accepted(upload.url?.slice(upload.url.lastIndexOf('/') + 1) ?? '')
    },
    onError: (error) => void decide(problemOf(error)),
  })

  // A request whose file cannot be read fails as one without a connection does.
  async function giveUpUnread(): Promise<boolean> {
    if (await readable(file)) return false
    if (stopped) return true
    stopped = true
    leave()
    await upload.abort()
    reports.failed(new Problem(0, 'unreadable', ''))
    return true
  }

  async function decide(problem: Problem) {
    if (stopped) return
    if (again(problem) && problem.retryAfter) {
      reports.interrupted(problem)
      pause = setTimeout(() => upload.start(), problem.retryAfter * 1_000)
      return
    }
    // Once only: a token that is refused at once after it was renewed is refused for another reason.
    if (!renewed && (await renewedAfter(problem, asked))) {
      renewed = true
      if (!stopped) upload.start()
      return
    }
    leave()
    if (problem.status === 401) endSession()
    reports.failed(problem)
  }

  // A delay is not waited for to its end once the network is back.
  function hurry() {
    clearTimeout(pause)
    void upload.abort().then(() => stopped || upload.start())
  }
  function leave() {
    window.removeEventListener('online', hurry)
  }
  window.addEventListener('online', hurry)

  if (!(await giveUpUnread())) {
    const [earlier] = await upload.findPreviousUploads()
    if (earlier) upload.resumeFromPreviousUpload(earlier)
    upload.start()
  }
  return async () => {
    stopped = true
    clearTimeout(pause)
    leave()
    await upload.abort(true).catch(() => {})
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

import type { components } from './contract'

type Body = components['schemas']['Problem']

/** An answer of the API that is not a success (RFC 9457), or a request that got none. */
export class Problem extends Error {
  /** The HTTP status; 0 where no answer came. */
  readonly status: number
  /** The last part of the problem's type, such as `rate-limited`; `offline` where no answer came. */
  readonly code: string
  /** The id of the request, to be found in the server's log. */
  readonly request: string | undefined
  /** How long to wait before another attempt, in seconds, where the server says so. */
  readonly retryAfter: number | undefined
  /** The whole problem, where the server sent one: some have more than the above, such as the bad lines of an import. */
  readonly body: Body | undefined

  constructor(status: number, code: string, detail: string, request?: string, retryAfter?: number, body?: Body) {
    super(detail)
    this.name = 'Problem'
    this.status = status
    this.code = code
    this.request = request
    this.retryAfter = retryAfter
    this.body = body
  }

  static of(response: Response, body: unknown): Problem {
    const seconds = Number(response.headers.get('Retry-After'))
    const retryAfter = Number.isFinite(seconds) && seconds > 0 ? seconds : undefined
    const request = response.headers.get('X-Request-Id') ?? undefined
    if (!isProblem(body)) {
      return new Problem(response.status, 'unknown', response.statusText, request, retryAfter)
    }
    return new Problem(
      response.status,
      body.type.slice(body.type.lastIndexOf(':') + 1),
      body.detail,
      request,
      retryAfter,
      body,
    )
  }

  static offline(cause: unknown): Problem {
    return new Problem(0, 'offline', cause instanceof Error ? cause.message : String(cause))
  }

  /** Whether the same request may succeed later without anybody doing anything. */
  get passing(): boolean {
    return [0, 429, 502, 503, 504].includes(this.status)
  }
}

function isProblem(body: unknown): body is Body {
  return typeof body === 'object' && body !== null && 'type' in body && 'detail' in body
}

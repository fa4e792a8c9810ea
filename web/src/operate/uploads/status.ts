import type { Tone } from '../../design/Notice'

const tones: Record<string, Tone> = { dead_lettered: 'bad', completed: 'good', expired: 'warn', canceled: 'plain' }

/** How good or bad a status is. */
export function toneOf(status: string): Tone {
  return tones[status] ?? 'plain'
}

const final = ['completed', 'discarded', 'expired', 'canceled']

/** Whether nothing happens to the upload any more. */
export function isFinal(status: string): boolean {
  return final.includes(status)
}

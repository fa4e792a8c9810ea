import { frame, locate, picture, samplesOf } from './spectrum'

/** What to draw: a part of a recording, in seconds and notes, in a colour as red, green, blue. */
export type Ask = {
  id: number
  url: string
  from: number
  to: number
  low: number
  high: number
  width: number
  height: number
  colour: [number, number, number]
}

/** The picture, or why there is none. */
export type Drawn = { id: number; image: ImageData } | { id: number; failed: true }

const places = new Map<string, Promise<{ start: number; rate: number }>>()

async function bytes(url: string, from: number, to: number): Promise<ArrayBuffer> {
  const answer = await fetch(url, { headers: { Range: `bytes=${from}-${to - 1}` } })
  if (answer.status !== 206) throw new Error(`a range was answered with ${answer.status}`)
  return answer.arrayBuffer()
}

async function place(url: string) {
  const found = locate(await bytes(url, 0, 4096))
  if (!found) throw new Error('the recording is not a WAV')
  return found
}

async function draw(ask: Ask): Promise<ImageData> {
  const at = places.get(ask.url) ?? place(ask.url)
  places.set(ask.url, at)
  const { start, rate } = await at
  const lead = Math.min(frame / 2, Math.floor(ask.from * rate))
  const first = Math.floor(ask.from * rate) - lead
  const last = Math.ceil(ask.to * rate) + frame / 2
  const samples = samplesOf(await bytes(ask.url, start + first * 2, start + last * 2))
  const { width, height, strength } = picture(samples, rate, lead, { ...ask, seconds: ask.to - ask.from })
  const image = new ImageData(width, height)
  const [red, green, blue] = ask.colour
  for (let i = 0; i < strength.length; i++) {
    image.data[4 * i] = red
    image.data[4 * i + 1] = green
    image.data[4 * i + 2] = blue
    // Squared, so that the noise between overtones stays in the background.
    image.data[4 * i + 3] = 230 * (strength[i] as number) ** 2
  }
  return image
}

// Only the latest wish counts: the person has moved on from those before.
let latest = 0

self.addEventListener('message', async ({ data }: MessageEvent<Ask>) => {
  latest = data.id
  try {
    const image = await draw(data)
    if (data.id === latest) self.postMessage({ id: data.id, image } satisfies Drawn, { transfer: [image.data.buffer] })
  } catch {
    places.delete(data.url)
    if (data.id === latest) self.postMessage({ id: data.id, failed: true } satisfies Drawn)
  }
})

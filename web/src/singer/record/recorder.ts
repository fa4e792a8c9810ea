import { LevelWatch, type Warning } from './level'
import meterUrl from './meter.worklet?worker&url'
import { Stopwatch } from './stopwatch'

/** Why there is no recording. */
export type Obstacle = 'insecure' | 'unsupported' | 'denied' | 'missing' | 'busy' | 'failed'

/** A recording that has not been sent yet. */
export type Take = { file: File; seconds: number; clips: boolean; quiet: boolean; unplugged: boolean }

// Safari records MP4 well and WebM not at all or badly; others prefer Opus in WebM.
const types = ['audio/webm;codecs=opus', 'audio/mp4', 'audio/ogg;codecs=opus']

/** The media type that a browser records in; undefined where it records none. */
export function recordingType(supported: (type: string) => boolean, safari: boolean): string | undefined {
  return (safari ? types.toSorted((a) => (a === 'audio/mp4' ? -1 : 0)) : types).find(supported)
}

/** The name of the file of a take, such as “take 2026-11-29 09.30.webm”. */
export function takeName(at: Date, type: string): string {
  const two = (n: number) => String(n).padStart(2, '0')
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
  const extension = type.startsWith('audio/mp4') ? 'm4a' : type.startsWith('audio/ogg') ? 'ogg' : 'webm'
  return `take ${day} ${two(at.getHours())}.${two(at.getMinutes())}.${two(at.getSeconds())}.${extension}`
}

/** Which obstacle an error of getUserMedia is. */
export function obstacleOf(error: unknown): Obstacle {
  const name = error instanceof Error ? error.name : ''
  if (name === 'NotAllowedError' || name === 'SecurityError') return 'denied'
  if (name === 'NotFoundError' || name === 'OverconstrainedError') return 'missing'
  if (name === 'NotReadableError' || name === 'AbortError') return 'busy'
  return 'failed'
}

/** Why this browser cannot record at all, if so. */
export function obstacleBefore(): Obstacle | undefined {
  if (!window.isSecureContext) return 'insecure'
  if (!navigator.mediaDevices || typeof MediaRecorder === 'undefined') return 'unsupported'
  return undefined
}

/** A take that is being recorded. */
export class Recorder {
  private readonly chunks: Blob[] = []
  private readonly watch = new LevelWatch()
  private readonly media: MediaRecorder
  private readonly startedAt = new Date()
  private readonly running = new Stopwatch()
  private unplugged = false
  private heard: { peak: number; warning: Warning } = { peak: 0, warning: undefined }

  /** Is called once the take has ended, also when the microphone is gone. */
  onEnd: (take: Take) => void = () => {}

  /** Asks for the microphone and begins. Throws what getUserMedia throws. */
  static async start(): Promise<Recorder> {
    const stream = await navigator.mediaDevices.getUserMedia({
      // What makes speech in a meeting clearer takes away from a voice that sings.
      audio: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
    })
    let context: AudioContext | undefined
    try {
      context = new AudioContext()
      // A take without a meter is better than none: after an update its code may be gone from the server.
      const metered = await context.audioWorklet.addModule(meterUrl).then(
        () => true,
        () => false,
      )
      // Safari has it wait, since the person's click was some time ago.
      void context.resume()
      return new Recorder(stream, context, metered)
    } catch (error) {
      // Without this the microphone would stay on.
      release(stream, context)
      throw error
    }
  }

  private constructor(
    private readonly stream: MediaStream,
    private readonly context: AudioContext,
    metered: boolean,
  ) {
    const safari = /^((?!chrome|chromium|android|firefox).)*safari/i.test(navigator.userAgent)
    const mimeType = recordingType((type) => MediaRecorder.isTypeSupported(type), safari)
    this.media = new MediaRecorder(stream, { mimeType, audioBitsPerSecond: 160_000 })
    if (metered) this.measure()
    this.media.addEventListener('dataavailable', (event) => {
      if (event.data.size > 0) this.chunks.push(event.data)
    })
    this.media.addEventListener('stop', () => this.end())
    for (const track of stream.getTracks()) {
      track.addEventListener('ended', () => {
        this.unplugged = true
        this.stop()
      })
    }
    // In pieces, so that what was sung so far is at hand if the browser stops the recorder.
    this.media.start(1_000)
    this.running.start(performance.now())
  }

  private measure() {
    const meter = new AudioWorkletNode(this.context, 'meter')
    meter.port.onmessage = ({ data }: MessageEvent<number>) => this.hear(data)
    // It is silent itself; without a way to the end browsers do not run it.
    this.context.createMediaStreamSource(this.stream).connect(meter).connect(this.context.destination)
  }

  /** How long the take is, in seconds. */
  get seconds(): number {
    return this.running.milliseconds(performance.now()) / 1000
  }

  get paused(): boolean {
    return this.media.state === 'paused'
  }

  /** The peak that was heard last, and what is wrong with the level. */
  get level(): { peak: number; warning: Warning } {
    return this.heard
  }

  // Not when the page draws: browsers draw no tab that nobody sees.
  private hear(peak: number) {
    this.heard = { peak, warning: this.paused ? undefined : this.watch.take(peak, this.seconds) }
  }

  pause() {
    if (this.media.state !== 'recording') return
    this.running.stop(performance.now())
    this.media.pause()
  }

  resume() {
    if (this.media.state !== 'paused') return
    this.running.start(performance.now())
    this.media.resume()
  }

  /** Ends the take. onEnd has it. */
  stop() {
    this.running.stop(performance.now())
    // If the browser has stopped it already, its event follows.
    if (this.media.state !== 'inactive') this.media.stop()
  }

  /** Ends it without a take. */
  discard() {
    this.onEnd = () => {}
    this.stop()
  }

  private end() {
    // It has not been stopped yet if the browser ended it by itself.
    this.running.stop(performance.now())
    release(this.stream, this.context)
    const type = this.media.mimeType
    const file = new File(this.chunks, takeName(this.startedAt, type), { type, lastModified: this.startedAt.getTime() })
    const { clips, quiet } = this.watch
    this.onEnd({ file, seconds: this.seconds, clips, quiet, unplugged: this.unplugged })
  }
}

function release(stream: MediaStream, context: AudioContext | undefined) {
  for (const track of stream.getTracks()) track.stop()
  void context?.close()
}

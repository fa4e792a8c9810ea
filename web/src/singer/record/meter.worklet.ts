import { peakOf } from './level'

// TypeScript has no types for what is global on the audio thread.
declare const sampleRate: number
declare class AudioWorkletProcessor {
  readonly port: MessagePort
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void

/** How often a level is told, a second. */
const rate = 30

/** Tells the peak of everything that it hears, without a gap: it runs on the audio thread, also while nobody sees the tab. */
class Meter extends AudioWorkletProcessor {
  private peak = 0
  private heard = 0

  process([input]: Float32Array[][]): boolean {
    for (const channel of input ?? []) this.peak = Math.max(this.peak, peakOf(channel))
    this.heard += input?.[0]?.length ?? 128
    if (this.heard >= sampleRate / rate) {
      this.port.postMessage(this.peak)
      this.peak = 0
      this.heard = 0
    }
    return true
  }
}

registerProcessor('meter', Meter)

/** Below this the key or the tempo may be another one. */
const sure = 0.5

/** Whether something was found, and how sure it is. */
export type Certainty = 'none' | 'unsure' | 'sure'

/** How sure a key or a tempo is. */
export function certainty(found: boolean, confidence: number): Certainty {
  if (!found) return 'none'
  return confidence >= sure ? 'sure' : 'unsure'
}

/** How fast a tempo feels. */
export function pace(bpm: number): 'Slow' | 'Medium' | 'Fast' {
  if (bpm < 76) return 'Slow'
  return bpm < 126 ? 'Medium' : 'Fast'
}

/** How loud a recording is, by its integrated loudness in LUFS. */
export function loudness(lufs: number): 'VeryLoud' | 'Loud' | 'Good' | 'Quiet' | 'VeryQuiet' {
  if (lufs > -9) return 'VeryLoud'
  if (lufs > -14) return 'Loud'
  if (lufs > -30) return 'Good'
  return lufs > -42 ? 'Quiet' : 'VeryQuiet'
}

/** Below this nothing was recorded, in LUFS. */
export const silence = -69

/** Whether the peaks reach the limit, so that they may be cut off. */
export function peaksCut(dbtp: number): boolean {
  return dbtp > -0.1
}

import type { Upload } from '../stages/upload'
import { Head } from './Head'

/** What was found in a recording. */
export function Result({ upload }: { upload: Upload }) {
  return <Head upload={upload} />
}

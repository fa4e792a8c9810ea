// Files whose type the browser does not know are left to the server, which looks at the first bytes.
const never = /^(text|image|font|model)\/|^application\/(pdf|zip|json|xml|msword|vnd\.|x-(zip|tar|msdownload))/
const sounds = /\.(wav|w64|mp3|m4a|mp4|mov|aac|flac|ogg|oga|opus|webm|mka|mkv|aiff?|caf|amr|3gp|spx)$/i

type Named = { name: string; type: string }

/** Tells recordings from files that no server would take for one. */
export function sortOut<F extends Named>(files: readonly F[]): { recordings: F[]; others: F[] } {
  return split(files, ({ type, name }) => !never.test(type) || sounds.test(name))
}

/** The same for what a folder contains, which nobody chose file by file: only what surely is a recording is one. */
export function sortOutOfFolder<F extends Named>(files: readonly F[]): { recordings: F[]; others: F[] } {
  return split(files, ({ type, name }) => /^(audio|video)\//.test(type) || sounds.test(name))
}

function split<F>(files: readonly F[], isRecording: (file: F) => boolean): { recordings: F[]; others: F[] } {
  const recordings: F[] = []
  const others: F[] = []
  for (const file of files) (isRecording(file) ? recordings : others).push(file)
  return { recordings, others }
}

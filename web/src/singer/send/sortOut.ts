// Files whose type the browser does not know are left to the server, which looks at the first bytes.
const never = /^(text|image|font|model)\/|^application\/(pdf|zip|json|xml|msword|vnd\.|x-(zip|tar|msdownload))/
const sounds = /\.(wav|w64|mp3|m4a|mp4|mov|aac|flac|ogg|oga|opus|webm|mka|mkv|aiff?|caf|amr|3gp|spx)$/i

/** Tells recordings from files that no server would take for one. */
export function sortOut<F extends { name: string; type: string }>(
  files: readonly F[],
): { recordings: F[]; others: F[] } {
  const recordings: F[] = []
  const others: F[] = []
  for (const file of files) (never.test(file.type) && !sounds.test(file.name) ? others : recordings).push(file)
  return { recordings, others }
}

/** How many files are taken from folders at once, and how deep they may lie. */
const [most, deepest] = [1_000, 10]

/** The files in entries that were dropped, folders with all they contain; `more` if there is more than is taken. */
export async function filesIn(entries: readonly FileSystemEntry[]): Promise<{ files: File[]; more: boolean }> {
  const files: File[] = []
  let more = false
  const left = entries.map((entry) => ({ entry, depth: 0 }))
  for (let next = left.shift(); next; next = left.shift()) {
    const { entry, depth } = next
    if (entry.isFile && files.length >= most) return { files, more: true }
    if (entry.isFile) files.push(await fileOf(entry as FileSystemFileEntry))
    // What was dropped itself is kept in its order, and before what lies deeper.
    else if (depth >= deepest) more = true
    else {
      const inside = await entriesOf(entry as FileSystemDirectoryEntry)
      left.push(...inside.filter(({ name }) => !name.startsWith('.')).map((entry) => ({ entry, depth: depth + 1 })))
    }
  }
  return { files, more }
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject))
}

async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader()
  const all: FileSystemEntry[] = []
  // Browsers give at most a hundred at a time, and nothing at the end.
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject))
    if (some.length === 0 || all.length > most) return all
    all.push(...some.toSorted((a, b) => a.name.localeCompare(b.name)))
  }
}

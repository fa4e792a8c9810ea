/**
 * Whether the browser can still read a file. It cannot once the file was changed, moved or removed, or its drive is gone,
 * and it cannot read a folder; requests with such a body fail as if the connection were lost.
 */
export async function readable(file: Blob): Promise<boolean> {
  try {
    await file.slice(0, 1).arrayBuffer()
    await file.slice(-1).arrayBuffer()
    return true
  } catch {
    return false
  }
}

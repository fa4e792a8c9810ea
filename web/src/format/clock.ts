/** A time in a recording, such as 0:07, 12:34 or 1:02:03; `tenths` adds a digit. */
export function clock(seconds: number, tenths = false): string {
  const safe = Number.isFinite(seconds) && seconds > 0 ? seconds : 0
  const scaled = tenths ? Math.floor(safe * 10 + 1e-6) : Math.floor(safe + 1e-6) * 10
  const whole = Math.floor(scaled / 10)
  const two = (n: number) => String(n).padStart(2, '0')
  const h = Math.floor(whole / 3600)
  const m = Math.floor(whole / 60) % 60
  const text = h > 0 ? `${h}:${two(m)}:${two(whole % 60)}` : `${m}:${two(whole % 60)}`
  return tenths ? `${text}.${scaled % 10}` : text
}

import { expect, test } from 'vitest'
import type { Take } from '../singer/record/recorder'
import { fit } from './luggage'

function file(name: string, size: number): File {
  return new File([new Uint8Array(size)], name)
}

test('The take is kept before the files, as far as there is room, and what is not kept is known', () => {
  const take: Take = { file: file('take.webm', 4), seconds: 1, clips: false, quiet: false, unplugged: false }
  const sendings = [3, 9, 2].map((size) => ({ file: file(`${size}`, size), idempotencyKey: `${size}`, open: false }))
  const all = fit(take, sendings, 18)
  expect([all.packed.take, all.packed.sendings, all.whole]).toEqual([take, sendings, true])
  const some = fit(take, sendings, 10)
  expect([some.packed.take, some.packed.sendings.map(({ file }) => file.size), some.whole]).toEqual([
    take,
    [3, 2],
    false,
  ])
  expect(fit(take, [], 3)).toEqual({ packed: { take: undefined, sendings: [] }, whole: false })
  expect(fit(undefined, [])).toEqual({ packed: { take: undefined, sendings: [] }, whole: true })
})

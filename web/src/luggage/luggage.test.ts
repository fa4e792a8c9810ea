import 'fake-indexeddb/auto'
import { expect, test, vi } from 'vitest'
import { kept, leftAt, luggage as place, sweep } from '../session/left'
import type { Take } from '../singer/record/recorder'
import { fit, type Luggage, ofThisPage, pickUp, putDown, throwAway } from './luggage'

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

const luggage = (id: string, at = 0): Luggage => ({
  id,
  at,
  holder: 'jwt/a t',
  take: undefined,
  sendings: [{ file: file('a.wav', 1), idempotencyKey: id, open: false }],
})

test('Luggage is given to its holder alone, once, and stays while somebody else asks', async () => {
  await putDown(luggage('one'))
  expect(await pickUp('one', 'jwt/b t', 1)).toBe('others')
  expect(await pickUp('one', 'jwt/a t', 2)).toMatchObject({ id: 'one' })
  expect(await pickUp('one', 'jwt/a t', 3)).toBeUndefined()
  await putDown(luggage('two'))
  await throwAway('two', 1)
  expect(await pickUp('two', 'jwt/a t', 1)).toBeUndefined()
})

test('Luggage that is an hour old is removed beside the next one', async () => {
  await putDown(luggage('old'))
  await putDown(luggage('new', kept))
  expect(await pickUp('old', 'jwt/a t', kept)).toBeUndefined()
  expect(await pickUp('new', 'jwt/a t', kept)).toMatchObject({ id: 'new' })
})

function storage(entries: Record<string, string> = {}) {
  const all = new Map(Object.entries(entries))
  return {
    getItem: (key: string) => all.get(key) ?? null,
    setItem: (key: string, value: string) => void all.set(key, value),
    removeItem: (key: string) => void all.delete(key),
  } as unknown as Storage
}

test('A start removes what was left if all of it is too old', () => {
  const deleteDatabase = vi.fn()
  const stored = storage({ [leftAt]: '1000' })
  sweep(stored, 1000 + kept - 1, { deleteDatabase })
  expect(deleteDatabase).not.toHaveBeenCalled()
  sweep(stored, 1000 + kept, { deleteDatabase })
  sweep(stored, 1000 + kept, { deleteDatabase })
  expect(deleteDatabase).toHaveBeenCalledExactlyOnceWith('orak')
})

test('A tab that is back gets what it left after a wrong login and a failure, too, and a page never twice', async () => {
  const session = storage({ [place]: 'tab' })
  vi.stubGlobal('window', new EventTarget())
  vi.stubGlobal('sessionStorage', session)
  const { missingNow, unpack } = await import('./back')
  const { sendings } = await import('../singer/send/sendings')
  const { carry, isCarried } = await import('../session/belongings')
  const put = vi.spyOn(sendings, 'put').mockReturnValue([])
  await putDown(luggage('tab', Date.now()))
  await unpack('jwt/b t')
  expect([missingNow(), session.getItem(place)]).toEqual(['others', 'tab'])
  const open = vi.spyOn(indexedDB, 'open').mockImplementationOnce(() => {
    throw new DOMException('', 'InvalidStateError')
  })
  await unpack('jwt/a t')
  expect([missingNow(), session.getItem(place)]).toEqual(['failed', 'tab'])
  open.mockRestore()
  await Promise.all([unpack('jwt/a t'), unpack('jwt/a t')])
  expect([missingNow(), session.getItem(place)]).toEqual([undefined, null])
  expect(put).toHaveBeenCalledTimes(1)

  session.setItem(place, 'here')
  ofThisPage.add('here')
  await putDown(luggage('here', Date.now()))
  await unpack('jwt/a t')
  expect([missingNow(), session.getItem(place)]).toEqual([undefined, null])
  expect(put).toHaveBeenCalledTimes(1)
  put.mockRestore()

  session.setItem(place, 'never')
  await unpack('jwt/a t')
  expect([missingNow(), session.getItem(place)]).toEqual(['gone', null])

  carry(true)
  sendings.put([])
  expect(isCarried()).toBe(false)
})

import { carry } from '../session/belongings'
import { leftAt, luggage } from '../session/left'
import { lastHolder } from '../session/session'
import { finish } from '../singer/record/studio'
import { newKey } from '../singer/send/queue'
import { sendings } from '../singer/send/sendings'
import { fit, ofThisPage, putDown, throwAway } from './luggage'

/** Goes to the identity provider. What was not sent is kept in this browser until somebody is logged in to this tab again. */
export async function leave(provider: string) {
  const { packed, whole } = fit(await finish(), sendings.unsentFiles())
  // If a login failed before, what was left then is still there, and nothing new is.
  if (packed.take || packed.sendings.length > 0) carry((await store(packed)) && whole)
  location.assign(provider)
}

async function store(packed: ReturnType<typeof fit>['packed']): Promise<boolean> {
  const before = sessionStorage.getItem(luggage)
  const id = before && ofThisPage.has(before) ? before : newKey()
  const at = Date.now()
  try {
    // Before it is stored: what is stored is removed in any case.
    localStorage.setItem(leftAt, `${at}`)
    await putDown({ id, at, holder: lastHolder() ?? '', ...packed })
  } catch {
    return false
  }
  sessionStorage.setItem(luggage, id)
  ofThisPage.add(id)
  // A browser that goes back may show this very page again, with everything in it.
  window.addEventListener('pageshow', ({ persisted }) => persisted && unneeded(id), { once: true })
  return true
}

function unneeded(id: string) {
  carry(false)
  sessionStorage.removeItem(luggage)
  void throwAway(id, Date.now()).catch(() => {})
}

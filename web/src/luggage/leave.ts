import { carry } from '../session/belongings'
import { lastHolder, luggage } from '../session/session'
import { finish } from '../singer/record/studio'
import { newKey } from '../singer/send/queue'
import { sendings } from '../singer/send/sendings'
import { fit, pickUp, putDown } from './luggage'

/** Goes to the identity provider. What was not sent is kept in this browser until somebody is logged in to this tab again. */
export async function leave(provider: string) {
  const { packed, whole } = fit(await finish(), sendings.unsentFiles())
  // If a login failed before, what was left then is still there, and nothing new is.
  if (packed.take || packed.sendings.length > 0) carry((await store(packed)) && whole)
  location.assign(provider)
}

async function store(packed: ReturnType<typeof fit>['packed']): Promise<boolean> {
  const id = newKey()
  try {
    await putDown({ id, at: Date.now(), holder: lastHolder() ?? '', ...packed })
  } catch {
    return false
  }
  sessionStorage.setItem(luggage, id)
  // A browser that goes back may show this very page again, with everything in it.
  window.addEventListener('pageshow', ({ persisted }) => persisted && unneeded(id), { once: true })
  return true
}

function unneeded(id: string) {
  carry(false)
  sessionStorage.removeItem(luggage)
  void pickUp(id, Date.now())
}

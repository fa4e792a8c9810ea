import { isKept, keep } from '../singer/record/studio'
import { sendings } from '../singer/send/sendings'
import { pickUp } from './luggage'

/** Gives a tab that is back what it left: the take to send, and the files that go on being sent. Nobody else gets it. */
export async function unpack(id: string, holder: string) {
  const luggage = await pickUp(id, Date.now())
  if (luggage?.holder !== holder) return
  if (luggage.take && !isKept()) keep({ take: luggage.take })
  sendings.put(luggage.sendings)
}

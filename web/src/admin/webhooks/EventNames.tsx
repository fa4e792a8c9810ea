import { useTranslation } from 'react-i18next'
import { choiceOf, nameOf } from './events'

/** Which events a webhook is sent, in words. */
export function EventNames({ events }: { events: readonly string[] }) {
  const { t } = useTranslation('webhooks')
  const choice = choiceOf(events)
  if (choice !== 'some') return <>{t(`choice.${choice}`)}</>
  return <>{events.map((type) => eventName(type, t)).join(', ')}</>
}

type Translate = (key: 'event.upload_completed') => string

/** What a type of event is called; types that this page does not know have only their code. */
export function eventName(type: string, t: Translate): string {
  const name = nameOf(type)
  return name ? t(name) : type
}

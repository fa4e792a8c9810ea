import { useId } from 'react'
import { useTranslation } from 'react-i18next'
import styles from '../admin.module.css'
import { type Choice, choiceOf, type EventType, nameOf, types, usual } from './events'

type Props = {
  events: EventType[]
  choice: Choice
  onChange: (events: EventType[], choice: Choice) => void
}

/** Asks which events are sent. */
export function EventChoice({ events, choice, onChange }: Props) {
  const { t } = useTranslation('webhooks')
  const group = useId()
  const offered: { value: Choice; events: EventType[] }[] = [
    { value: 'usual', events: [...usual] },
    { value: 'all', events: ['*'] },
    { value: 'some', events: choiceOf(events) === 'all' ? [] : events },
  ]
  return (
    <fieldset className={styles.group}>
      <legend>{t('events')}</legend>
      {offered.map((one) => (
        <label key={one.value} className={styles.choice}>
          <input
            type="radio"
            name={group}
            checked={choice === one.value}
            onChange={() => onChange(one.events, one.value)}
          />
          {t(`choice.${one.value}`)}
          <small>{t(`choiceHint.${one.value}`)}</small>
        </label>
      ))}
      {choice === 'some' && (
        <div className={styles.indent}>
          {types.map((type) => (
            <label key={type} className={styles.choice}>
              <input
                type="checkbox"
                checked={events.includes(type)}
                onChange={(event) =>
                  onChange(event.target.checked ? [...events, type] : events.filter((other) => other !== type), 'some')
                }
              />
              {t(nameOf(type) ?? 'event.upload_completed')}
              <small>
                <code>{type}</code>
              </small>
            </label>
          ))}
        </div>
      )}
    </fieldset>
  )
}

import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Field } from '../../design/Field'
import { FormDialog } from '../../design/FormDialog'
import { EventChoice } from './EventChoice'
import { choiceOf, type EventType, usual } from './events'
import type { Hook, HookRequest } from './requests'

type Props = {
  /** The webhook that is changed; a new one without it. */
  hook?: Hook
  save: (request: HookRequest) => Promise<Hook>
  onSaved: (hook: Hook) => void
  onClose: () => void
}

/** Asks where a webhook sends, and what. */
export function HookForm({ hook, save, onSaved, onClose }: Props) {
  const { t } = useTranslation('webhooks')
  const [events, setEvents] = useState<EventType[]>((hook?.events as EventType[]) ?? [...usual])
  const [choice, setChoice] = useState(choiceOf(events))
  const saving = useMutation({ mutationFn: save, onSuccess: onSaved })
  function submit(form: FormData) {
    saving.mutate({
      url: String(form.get('url') ?? '').trim(),
      description: String(form.get('description') ?? '').trim(),
      events,
    })
  }
  return (
    <FormDialog
      title={hook ? t('editTitle') : t('createTitle')}
      submit={hook ? t('save') : t('create')}
      busy={saving.isPending}
      error={saving.error}
      incomplete={events.length === 0}
      onSubmit={submit}
      onClose={onClose}
    >
      <Field label={t('url')} hint={t('urlHint')}>
        <input
          name="url"
          type="url"
          defaultValue={hook?.url}
          maxLength={2048}
          required
          autoComplete="off"
          spellCheck={false}
        />
      </Field>
      <Field label={t('description')}>
        <input name="description" defaultValue={hook?.description} maxLength={200} autoComplete="off" />
      </Field>
      <EventChoice
        events={events}
        choice={choice}
        onChange={(chosen, how) => {
          setEvents(chosen)
          setChoice(how)
        }}
      />
    </FormDialog>
  )
}

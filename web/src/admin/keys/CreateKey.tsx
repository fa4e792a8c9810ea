import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Field } from '../../design/Field'
import { FormDialog } from '../../design/FormDialog'
import { type Scope, useSession } from '../../session/session'
import styles from '../admin.module.css'
import { createKey, type NewKey } from './requests'

const scopes: Scope[] = ['upload', 'read', 'operate', 'admin']

/** What a key of one owner may have. */
const ownerScopes: Scope[] = ['upload', 'read']

/** After how many days a key can be made to end. */
const lives = [1, 30, 90, 365] as const

const day = 86_400_000

type Props = { tenant: string | undefined; onClose: () => void; onMade: (key: NewKey) => void }

/** Asks what a new key is for. */
export function CreateKey({ tenant, onClose, onMade }: Props) {
  const { t } = useTranslation('keys')
  const session = useSession()
  const [chosen, setChosen] = useState<Scope[]>(ownerScopes.filter((scope) => session?.scopes?.includes(scope)))
  const [owner, setOwner] = useState('')
  const create = useMutation({ mutationFn: createKey, onSuccess: onMade })
  const offered = scopes.filter((scope) => session?.scopes?.includes(scope))
  const asked = chosen.filter((scope) => !owner || ownerScopes.includes(scope))
  function submit(form: FormData) {
    const days = Number(form.get('life'))
    create.mutate({
      name: text(form, 'name'),
      tenant: text(form, 'tenant'),
      owner: owner.trim() || undefined,
      scopes: asked,
      expires_at: days > 0 ? new Date(Date.now() + days * day).toISOString() : undefined,
    })
  }
  return (
    <FormDialog
      title={t('createTitle')}
      submit={t('create')}
      busy={create.isPending}
      error={create.error}
      incomplete={asked.length === 0}
      onSubmit={submit}
      onClose={onClose}
    >
      <Field label={t('name')} hint={t('nameHint')}>
        <input name="name" maxLength={100} autoComplete="off" required />
      </Field>
      {session?.all_tenants && (
        <Field label={t('tenant')} hint={t('tenantHint')}>
          <input
            name="tenant"
            defaultValue={tenant ?? 'default'}
            required
            autoComplete="off"
            spellCheck={false}
            pattern="\*|[a-z0-9]([a-z0-9\-]{0,61}[a-z0-9])?"
          />
        </Field>
      )}
      <fieldset className={styles.group}>
        <legend>{t('scopes')}</legend>
        {offered.map((scope) => (
          <label key={scope} className={styles.choice}>
            <input
              type="checkbox"
              checked={asked.includes(scope)}
              disabled={owner !== '' && !ownerScopes.includes(scope)}
              onChange={(event) =>
                setChosen(event.target.checked ? [...chosen, scope] : chosen.filter((other) => other !== scope))
              }
            />
            {scope}
            <small>{t(`scope.${scope}`)}</small>
          </label>
        ))}
      </fieldset>
      <Field label={t('ownerOptional')} hint={t('ownerHint')}>
        <input
          value={owner}
          maxLength={200}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => setOwner(event.target.value)}
        />
      </Field>
      <Field label={t('ends')}>
        <select name="life" defaultValue="0">
          <option value="0">{t('never')}</option>
          {lives.map((days) => (
            <option key={days} value={days}>
              {t('inDays', { count: days })}
            </option>
          ))}
        </select>
      </Field>
    </FormDialog>
  )
}

function text(form: FormData, name: string): string | undefined {
  return String(form.get(name) ?? '').trim() || undefined
}

import { useMutation } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { useTranslation } from 'react-i18next'
import { answer, api } from '../../api/client'
import { queries } from '../../api/queries'
import { Button } from '../../design/Button'
import { Copy } from '../../design/Copy'
import { FormDialog } from '../../design/FormDialog'
import { Menu, MenuItem, MenuLink, MenuSeparator } from '../../design/Menu'
import { Notice } from '../../design/Notice'
import { ProblemText } from '../../design/ProblemText'
import { useFormat } from '../../format/format'
import { usePermitted } from '../../session/session'
import type { Upload } from '../stages/upload'
import styles from './Head.module.css'

/** The name of a recording, and what can be done with it. */
export function Head({ upload, facts, actions }: { upload: Upload; facts?: string[]; actions?: ReactNode }) {
  const { t } = useTranslation(['result', 'singer'])
  const format = useFormat()
  const mayUpload = usePermitted('upload')
  const saving = useMutation({ mutationFn: () => download(upload) })
  const [erasing, setErasing] = useState(false)
  const name = upload.filename || t('singer:unnamed')
  const done = upload.status === 'completed'
  return (
    <header className={styles.head}>
      <Link to="/uploads" className={styles.back} activeOptions={{ exact: true }}>
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M10 3 5 8l5 5" />
        </svg>
        {t('back')}
      </Link>
      <div className={styles.names}>
        <h1>{name}</h1>
        <p className={styles.facts}>
          {[t('recorded', { date: format.moment(new Date(upload.created_at)) }), ...(facts ?? [])].map((fact) => (
            <span key={fact}>{fact}</span>
          ))}
        </p>
      </div>
      <div className={styles.actions}>
        {actions}
        <Copy text={`${location.origin}/uploads/${upload.id}`} label={t('share')} small={false} />
        <Menu trigger={<Button>{t('more')}</Button>}>
          <MenuLink href={upload.links.original}>{t('original')}</MenuLink>
          {done && <MenuItem onSelect={() => saving.mutate()}>{t('analysis')}</MenuItem>}
          {mayUpload && <MenuSeparator />}
          {mayUpload && <MenuItem onSelect={() => setErasing(true)}>{t('erase')}</MenuItem>}
        </Menu>
      </div>
      {saving.error && (
        <div className={styles.notice}>
          <Notice tone="bad">
            {t('notDownloaded')} <ProblemText error={saving.error} />
          </Notice>
        </div>
      )}
      {erasing && <Erase id={upload.id} name={name} onClose={() => setErasing(false)} />}
    </header>
  )
}

/** Saves the analysis as a file. */
async function download(upload: Upload) {
  const analysis = await answer(api.GET('/v1/uploads/{id}/analysis', { params: { path: { id: upload.id } } }))
  const url = URL.createObjectURL(new Blob([JSON.stringify(analysis, null, 2)], { type: 'application/json' }))
  const link = document.createElement('a')
  link.href = url
  link.download = `${upload.filename || upload.id}.analysis.json`
  link.click()
  URL.revokeObjectURL(url)
}

function Erase({ id, name, onClose }: { id: string; name: string; onClose: () => void }) {
  const { t } = useTranslation('result')
  const navigate = useNavigate()
  const erase = useMutation({
    mutationFn: () => answer(api.DELETE('/v1/uploads/{id}', { params: { path: { id } } })),
    onSuccess: async () => {
      await navigate({ to: '/uploads' })
      await queries.invalidateQueries({ queryKey: ['upload', id] })
      await queries.invalidateQueries({ queryKey: ['uploads'] })
    },
  })
  return (
    <FormDialog
      danger
      title={t('eraseDialog.title')}
      submit={t('eraseDialog.erase')}
      busy={erase.isPending}
      error={erase.error}
      onSubmit={() => erase.mutate()}
      onClose={onClose}
    >
      <p>{t('eraseDialog.text', { name })}</p>
    </FormDialog>
  )
}

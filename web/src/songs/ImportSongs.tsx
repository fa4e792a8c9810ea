import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import styles from '../admin/admin.module.css'
import { Problem } from '../api/problem'
import { Field } from '../design/Field'
import { FormDialog } from '../design/FormDialog'
import { Table } from '../design/Table'
import { say } from '../design/Toast'
import { useFormat } from '../format/format'
import { kindOf, type SongRequests } from './requests'

/** Imports a file of songs, and shows its bad lines if it has some. */
export function ImportSongs({ requests, onClose }: { requests: SongRequests; onClose: () => void }) {
  const { t } = useTranslation('songs')
  const format = useFormat()
  const [file, setFile] = useState<File>()
  const unknown = file !== undefined && !kindOf(file)
  const load = useMutation({
    mutationFn: requests.load,
    onSuccess: ({ imported }) => {
      onClose()
      say(t('imported', { count: imported, number: format.number(imported) }))
    },
  })
  return (
    <FormDialog
      title={t('importTitle')}
      submit={t('import')}
      busy={load.isPending}
      error={load.error}
      incomplete={!file || unknown}
      onSubmit={() => file && load.mutate(file)}
      onClose={onClose}
    >
      <p>{t('importLead')}</p>
      <Field
        label={t('file')}
        hint={file && !unknown ? format.size(file.size) : t('fileHint')}
        error={unknown ? t('fileUnknown') : undefined}
      >
        <input
          type="file"
          accept=".csv,.jsonl,.ndjson,text/csv,application/jsonl"
          onChange={(event) => {
            load.reset()
            setFile(event.target.files?.[0])
          }}
        />
      </Field>
      <details>
        <summary>{t('fields')}</summary>
        <dl className={styles.facts}>
          {fields.map((field) => (
            <Described key={field} field={field} />
          ))}
        </dl>
      </details>
      <BadLines error={load.error} />
    </FormDialog>
  )
}

const fields = ['id', 'title', 'artist', 'low', 'high', 'key', 'tempo_bpm', 'reference'] as const

function Described({ field }: { field: (typeof fields)[number] }) {
  const { t } = useTranslation('songs')
  return (
    <>
      <dt>
        <code>{field}</code>
      </dt>
      <dd>{t(`field.${field}`)}</dd>
    </>
  )
}

function BadLines({ error }: { error: Error | null }) {
  const { t } = useTranslation('songs')
  const format = useFormat()
  const lines = (error instanceof Problem && error.body?.lines) || []
  const more = (error instanceof Problem && error.body?.more_lines) || 0
  if (lines.length === 0) return null
  return (
    <>
      <Table
        label={t('badLines')}
        columns={[
          { key: 'line', head: t('line'), numeric: true, cell: (line) => format.number(line.line) },
          { key: 'message', head: t('problem'), cell: (line) => <span lang="en">{line.message}</span> },
        ]}
        rows={lines}
        rowKey={(line) => `${line.line} ${line.message}`}
      />
      {more > 0 && <p className={styles.soft}>{t('moreLines', { count: more, number: format.number(more) })}</p>}
    </>
  )
}

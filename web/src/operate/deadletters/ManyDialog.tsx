import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Button } from '../../design/Button'
import { Notice } from '../../design/Notice'
import { ProblemText } from '../../design/ProblemText'
import type { Letter } from '../bulk/bulk'
import { begin, type Read } from '../bulk/operation'
import { DecideDialog } from '../decide/DecideDialog'
import { useWords } from '../words'
import { countsQuery, type DeadLetter, type Decision, readPage } from './api'
import { type Filter, fixedQuery, queryOf } from './filter'
import styles from './ManyDialog.module.css'

type Props = {
  kind: Decision['kind']
  filter: Filter
  /** The letters themselves, or all that match but for some. */
  letters: DeadLetter[] | { except: ReadonlySet<string> }
  onClose: () => void
  onBegun: () => void
}

/** Asks about a decision on many dead letters: it counts first, and then begins. */
export function ManyDialog({ letters, ...rest }: Props) {
  if (Array.isArray(letters)) return <Chosen letters={letters} {...rest} />
  return <Matching except={letters.except} {...rest} />
}

type Rest = Omit<Props, 'letters'>

function Chosen({ kind, letters, onClose, onBegun }: Rest & { letters: DeadLetter[] }) {
  const { t } = useTranslation('letters')
  // What is decided on is what was asked about, though the list goes on changing.
  const [asked] = useState(letters)
  const stages = new Set(asked.map((letter) => letter.failure.stage))
  return (
    <DecideDialog
      kind={kind}
      title={t(`decide.${kind}Title`, { count: asked.length })}
      count={<Groups groups={groupsOf(asked)} />}
      failed={stages.size === 1 ? [...stages][0] : undefined}
      onClose={onClose}
      onDecide={(decision) => {
        begin(decision, asked.map(letterOf), asked.length)
        onBegun()
      }}
    />
  )
}

function Matching({ kind, filter, except, onClose, onBegun }: Rest & { except: ReadonlySet<string> }) {
  const { t } = useTranslation('letters')
  const counts = useQuery({ ...countsQuery(queryOf(filter), 'asked'), staleTime: 0, gcTime: 0 })
  const counted = counts.data
  // At most: one that is excepted may not match any more, and is then not among the total.
  const count = Math.max(0, (counted?.total ?? 0) - except.size)
  return (
    <DecideDialog
      kind={kind}
      title={counted ? t(`decide.${kind}${except.size > 0 ? 'UpTo' : ''}Title`, { count }) : t('decide.counting')}
      count={
        <>
          {counts.error && (
            <Notice tone="bad">
              {t('decide.notCounted')} <ProblemText error={counts.error} />{' '}
              <Button small onClick={() => void counts.refetch()}>
                {t('list.retry')}
              </Button>
            </Notice>
          )}
          {counted && (
            <>
              <p>
                {t(counted.exact ? 'decide.matching' : 'decide.matchingAtLeast', { count: counted.total })}
                {except.size > 0 && ` ${t('decide.except', { count: except.size })}`}
              </p>
              <Groups groups={counted.groups} />
              <p className={styles.soft}>{t('decide.notNew')}</p>
            </>
          )}
        </>
      }
      failed={counted?.stages.length === 1 ? counted.stages[0]?.stage : undefined}
      unready={!counted || count === 0}
      onClose={onClose}
      onDecide={(decision) => {
        if (!counted) return
        begin(decision, reader(filter, new Date(counted.checked_at), except), count)
        onBegun()
      }}
    />
  )
}

/** Reads all that matched when they were counted, by the server's clock. */
function reader(filter: Filter, counted: Date, except: ReadonlySet<string>): Read {
  const query = fixedQuery(filter, counted)
  return async (token) => {
    const page = await readPage(query, token)
    return { letters: page.rows.filter((row) => !except.has(row.id)).map(letterOf), next: page.next }
  }
}

function letterOf({ id, tenant, cycle, filename }: DeadLetter): Letter {
  return { id, tenant, cycle, filename }
}

type Group = { stage: string; class: string; count: number }

function groupsOf(letters: DeadLetter[]): Group[] {
  const groups = new Map<string, Group>()
  for (const { failure } of letters) {
    const key = `${failure.stage} ${failure.class}`
    const group = groups.get(key) ?? { stage: failure.stage, class: failure.class, count: 0 }
    groups.set(key, { ...group, count: group.count + 1 })
  }
  return [...groups.values()].sort((a, b) => b.count - a.count)
}

function Groups({ groups }: { groups: Group[] }) {
  const { t } = useTranslation('letters')
  const words = useWords()
  return (
    <ul className={styles.groups}>
      {groups.map((group) => (
        <li key={`${group.stage} ${group.class}`}>
          {words.stage(group.stage)} · {words.class(group.class)}
          <span className="numeric">{t('bulk.uploads', { count: group.count })}</span>
        </li>
      ))}
    </ul>
  )
}

import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import type { Schemas } from '../../api/client'
import { Badge } from '../../design/Badge'
import { PageHead } from '../../design/PageHead'
import { Loaded, State } from '../../design/State'
import { Table } from '../../design/Table'
import { Time } from '../../design/Time'
import { useFormat } from '../../format/format'
import { useTitle } from '../../shell/title'
import { Fresh } from '../Fresh'
import { useWords } from '../words'
import { outagesQuery } from './api'
import { Figures } from './Figures'
import { Panel } from './Panel'
import styles from './watch.module.css'

type Outage = Schemas['Outage']

/** Which dependencies are unavailable, and which were. */
export function OutagesPage() {
  const { t } = useTranslation('watch')
  useTitle(t('outages.title'))
  const query = useQuery(outagesQuery)
  return (
    <>
      <PageHead title={t('outages.title')} lead={t('outages.lead')} actions={<Fresh query={query} />} />
      <Loaded query={query}>
        {(outages) => (
          <>
            {outages.open.length === 0 && <State title={t('outages.noneTitle')}>{t('outages.none')}</State>}
            {outages.open.map((outage) => (
              <Open key={outage.run_id} outage={outage} />
            ))}
            <h2>{t('outages.recent')}</h2>
            <Recent outages={outages.recent} />
          </>
        )}
      </Loaded>
    </>
  )
}

const advised = ['store', 'kafka', 'temporal', 'model-server', 'alert-webhook', 'converter', 'workflows'] as const

function Open({ outage }: { outage: Outage }) {
  const { t } = useTranslation('watch')
  const words = useWords()
  const format = useFormat()
  const known = advised.find((name) => name === outage.dependency)
  return (
    <Panel
      title={words.dependency(outage.dependency)}
      state={<Badge tone="bad">{t('outages.open')}</Badge>}
      words={known && t(`outages.advice.${known}`)}
      aside={<WebUI url={outage.web_ui} />}
    >
      <Figures
        figures={[
          [t('outages.began'), <Time key="t" at={outage.began_at} />],
          [t('outages.last'), outage.last_at && <Time key="t" at={outage.last_at} />],
          [t('outages.count'), format.number(outage.count)],
          [t('outages.posted'), t(outage.posted ? 'yes' : 'no')],
        ]}
      />
      {outage.cause && <p className={styles.cause}>{outage.cause}</p>}
    </Panel>
  )
}

function WebUI({ url }: { url: string | undefined }) {
  const { t } = useTranslation('watch')
  if (!url) return null
  return (
    <a href={url} target="_blank" rel="noreferrer">
      {t('temporal')}
    </a>
  )
}

function Recent({ outages }: { outages: Outage[] }) {
  const { t } = useTranslation('watch')
  const words = useWords()
  const format = useFormat()
  return (
    <Table
      label={t('outages.recent')}
      empty={t('outages.noRecent')}
      rows={outages}
      rowKey={(outage) => outage.run_id}
      columns={[
        {
          key: 'what',
          head: t('outages.dependency'),
          names: true,
          cell: (outage) => words.dependency(outage.dependency),
        },
        { key: 'began', head: t('outages.began'), cell: (outage) => <Time at={outage.began_at} /> },
        {
          key: 'lasted',
          head: t('outages.lasted'),
          numeric: true,
          cell: (outage) =>
            outage.ended_at && format.span((Date.parse(outage.ended_at) - Date.parse(outage.began_at)) / 1000),
        },
        { key: 'count', head: t('outages.count'), numeric: true, cell: (outage) => format.number(outage.count) },
        {
          key: 'cause',
          head: t('outages.cause'),
          cell: (outage) => outage.cause && <span className={styles.cause}>{outage.cause}</span>,
        },
        { key: 'link', head: t('temporal'), headHidden: true, cell: (outage) => <WebUI url={outage.web_ui} /> },
      ]}
    />
  )
}

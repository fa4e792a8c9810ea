import { useQuery } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { Permitted } from '../shell/Permitted'
import { Section } from '../shell/Section'
import { attentionQuery } from './attention'
import { Leave } from './bulk/Leave'
import { OperationPanel } from './bulk/OperationPanel'

/** The pages for operators on call, with the bulk decision that runs above them. */
export function OperateSection() {
  return (
    <Permitted scope="operate">
      <Pages />
    </Permitted>
  )
}

function Pages() {
  const { t } = useTranslation('operate')
  const attention = useQuery({ ...attentionQuery, refetchInterval: 15_000 })
  const letters = attention.data?.items.filter((item) => item.kind === 'dead_letters') ?? []
  const waiting = letters.reduce((sum, item) => sum + item.count, 0)
  return (
    <>
      <OperationPanel />
      <Leave />
      <Section
        label={t('nav.label')}
        links={[
          { to: '/operate', title: t('nav.home'), exact: true },
          { to: '/operate/dead-letters', title: t('nav.letters'), count: waiting },
          { to: '/operate/uploads', title: t('nav.uploads'), scope: 'read' },
          { to: '/operate/queues', title: t('nav.queues') },
          { to: '/operate/lag', title: t('nav.lag') },
          { to: '/operate/topics', title: t('nav.topics') },
          { to: '/operate/outages', title: t('nav.outages') },
          { to: '/operate/reconcile', title: t('nav.reconcile') },
          { to: '/operate/sinks', title: t('nav.sinks') },
          { to: '/operate/songs', title: t('nav.songs') },
        ]}
      />
    </>
  )
}

import { useInfiniteQuery } from '@tanstack/react-query'
import { getRouteApi } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import styles from '../admin/admin.module.css'
import { TenantChoice, useTenant } from '../admin/TenantChoice'
import { Button } from '../design/Button'
import { PageHead } from '../design/PageHead'
import { Loaded, State } from '../design/State'
import { useTitle } from '../shell/title'
import { ImportSongs } from './ImportSongs'
import { RemoveSong } from './RemoveSong'
import { type Song, songsOf } from './requests'
import { SongTable } from './SongTable'

const page = getRouteApi('/operate/songs')

/** The songs that voices are compared with. */
export function Songs() {
  const { t } = useTranslation(['songs', 'shell'])
  useTitle(t('title'))
  const { tenant } = page.useSearch()
  const navigate = page.useNavigate()
  const requests = songsOf(useTenant(tenant))
  const list = useInfiniteQuery(requests.list)
  const [importing, setImporting] = useState(false)
  const [removed, setRemoved] = useState<Song>()
  const load = (
    <Button kind="primary" onClick={() => setImporting(true)}>
      {t('import')}
    </Button>
  )
  return (
    <>
      <PageHead title={t('title')} lead={t('lead')} actions={load} />
      <div className={styles.tools}>
        <TenantChoice
          value={tenant}
          placeholder={t('defaultTenant')}
          onChoose={(chosen) => navigate({ search: { tenant: chosen } })}
        />
      </div>
      <Loaded query={list}>
        {(data) => {
          const songs = data.pages.flatMap((one) => one.songs)
          if (songs.length === 0) return <State title={t('noneTitle')}>{t('none')}</State>
          return <SongTable songs={songs} onRemove={setRemoved} />
        }}
      </Loaded>
      {list.hasNextPage && (
        <div className={styles.row}>
          <Button onClick={() => list.fetchNextPage()} busy={list.isFetchingNextPage}>
            {t('shell:state.more')}
          </Button>
        </div>
      )}
      {importing && <ImportSongs requests={requests} onClose={() => setImporting(false)} />}
      {removed && <RemoveSong song={removed} requests={requests} onClose={() => setRemoved(undefined)} />}
    </>
  )
}

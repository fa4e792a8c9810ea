import { useMutation } from '@tanstack/react-query'
import { useTranslation } from 'react-i18next'
import { FormDialog } from '../design/FormDialog'
import { say } from '../design/Toast'
import type { Song, SongRequests } from './requests'

/** Asks before a song is removed. */
export function RemoveSong({ song, requests, onClose }: { song: Song; requests: SongRequests; onClose: () => void }) {
  const { t } = useTranslation('songs')
  const remove = useMutation({
    mutationFn: () => requests.remove(song.id),
    onSuccess: () => {
      onClose()
      say(t('removed', { title: song.title }))
    },
  })
  return (
    <FormDialog
      title={t('removeTitle', { title: song.title })}
      submit={t('remove')}
      danger
      busy={remove.isPending}
      error={remove.error}
      onSubmit={() => remove.mutate()}
      onClose={onClose}
    >
      <p>{t('removeLead', { id: song.id })}</p>
    </FormDialog>
  )
}

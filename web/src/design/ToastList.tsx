import * as Radix from '@radix-ui/react-toast'
import { useTranslation } from 'react-i18next'
import { forget, type Said } from './Toast'
import styles from './Toast.module.css'

/** How long a message stays, in milliseconds, unless the pointer or the focus is on it. It only repeats what the page shows. */
const shown = 7_000

/** Messages at the edge of the page. F8 moves the focus there, Escape and a swipe remove one. */
export function ToastList({ all }: { all: readonly Said[] }) {
  const { t } = useTranslation()
  return (
    <Radix.Provider duration={shown} label={t('toast.one')} swipeDirection="down">
      {all.map(({ id, text }) => (
        <Radix.Root key={id} className={styles.toast} onOpenChange={(open) => open || forget(id)}>
          <Radix.Description>{text}</Radix.Description>
        </Radix.Root>
      ))}
      <Radix.Viewport className={styles.place} label={t('toast.all')} />
    </Radix.Provider>
  )
}

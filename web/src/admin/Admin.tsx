import { useTranslation } from 'react-i18next'
import { Permitted } from '../shell/Permitted'
import { Section } from '../shell/Section'

/** The frame of the pages where keys, webhooks, tenants and settings are managed. */
export function Admin() {
  const { t } = useTranslation('admin')
  return (
    <Permitted scope="admin">
      <Section
        label={t('title')}
        links={[
          { to: '/admin/keys', title: t('nav.keys') },
          { to: '/admin/webhooks', title: t('nav.webhooks') },
          { to: '/admin/tenants', title: t('nav.tenants') },
          { to: '/admin/settings', title: t('nav.settings') },
          { to: '/admin/audit', title: t('nav.audit') },
        ]}
      />
    </Permitted>
  )
}

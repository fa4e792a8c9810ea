import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { FormDialog } from '../design/FormDialog'
import { Menu, MenuChoice, MenuItem, MenuLabel, MenuLink, MenuSeparator } from '../design/Menu'
import { chooseLanguage, type Language, languages } from '../i18n'
import { anythingAtRisk } from '../session/belongings'
import { logout, type Session } from '../session/session'
import { AccountButton } from './AccountButton'
import { chooseTheme, chosenTheme, type Theme } from './theme'

/** The menu of who is logged in: language, theme, log out. It begins open. */
export function AccountMenu({ session }: { session: Session }) {
  const { t, i18n } = useTranslation()
  const [theme, setTheme] = useState(chosenTheme)
  const leave = useMutation({ mutationFn: logout })
  const [asking, setAsking] = useState(false)
  function begin() {
    if (anythingAtRisk()) setAsking(true)
    else leave.mutate()
  }
  const themes: Record<Theme, string> = {
    system: t('account.themeSystem'),
    light: t('account.themeLight'),
    dark: t('account.themeDark'),
  }
  return (
    <>
      <Menu trigger={<AccountButton />} begins="open">
        <MenuLabel>
          {session.all_tenants ? t('account.allTenants') : t('account.tenant', { tenant: session.tenant })}
          {session.by && <> · {session.by}</>}
        </MenuLabel>
        <MenuSeparator />
        <MenuChoice<Language>
          label={t('account.language')}
          value={i18n.language as Language}
          choices={languages}
          onChoose={chooseLanguage}
        />
        <MenuSeparator />
        <MenuChoice
          label={t('account.theme')}
          value={theme}
          choices={themes}
          onChoose={(chosen) => {
            chooseTheme(chosen)
            setTheme(chosen)
          }}
        />
        <MenuSeparator />
        <MenuLink href="/docs">{t('account.reference')}</MenuLink>
        {session.ways.length > 0 && <MenuItem onSelect={begin}>{t('account.logout')}</MenuItem>}
      </Menu>
      {(asking || leave.error) && (
        <FormDialog
          danger={asking}
          title={t('account.logoutTitle')}
          submit={t('account.logout')}
          busy={leave.isPending}
          error={leave.error}
          onSubmit={() => leave.mutate()}
          onClose={() => {
            setAsking(false)
            leave.reset()
          }}
        >
          {asking && <p>{t('account.logoutLoses')}</p>}
        </FormDialog>
      )}
    </>
  )
}

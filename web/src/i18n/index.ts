import i18next from 'i18next'
import fromImports from 'i18next-resources-to-backend'
import { initReactI18next } from 'react-i18next'
import type admin from './en/admin'
import type audit from './en/audit'
import type inspect from './en/inspect'
import type keys from './en/keys'
import type letters from './en/letters'
import type operate from './en/operate'
import type problems from './en/problems'
import type record from './en/record'
import type result from './en/result'
import type settings from './en/settings'
import type shell from './en/shell'
import type singer from './en/singer'
import type songs from './en/songs'
import type tenants from './en/tenants'
import type watch from './en/watch'
import type webhooks from './en/webhooks'

/** The languages of the console, each with its own name. Each has every message: the compiler compares them. */
export const languages = { en: 'English', ko: '한국어' } as const

/** A language of the console. */
export type Language = keyof typeof languages

/** The same keys as those of another language, each with a text of its own. */
export type Translated<M> = { [K in keyof M]: M[K] extends string ? string : Translated<M[K]> }

declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'shell'
    resources: {
      shell: typeof shell
      problems: typeof problems
      singer: typeof singer
      record: typeof record
      result: typeof result
      operate: typeof operate
      letters: typeof letters
      inspect: typeof inspect
      watch: typeof watch
      admin: typeof admin
      keys: typeof keys
      settings: typeof settings
      tenants: typeof tenants
      webhooks: typeof webhooks
      songs: typeof songs
      audit: typeof audit
    }
  }
}

const remembered = 'orak.language'

/** The language the person chose, or the browser's. */
function preferred(): Language {
  const chosen = localStorage.getItem(remembered) ?? navigator.language
  return chosen.startsWith('ko') ? 'ko' : 'en'
}

/** Loads the language that was chosen. Messages of a page are loaded with it. */
export async function startTranslation() {
  i18next.on('languageChanged', (language) => {
    document.documentElement.lang = language
  })
  await i18next
    .use(initReactI18next)
    .use(fromImports((language: string, namespace: string) => import(`./${language}/${namespace}.ts`)))
    .init({
      lng: preferred(),
      ns: ['shell', 'problems'],
      supportedLngs: Object.keys(languages),
      interpolation: { escapeValue: false },
    })
}

/** Changes the language of the page, and remembers it in this browser. */
export function chooseLanguage(language: Language) {
  localStorage.setItem(remembered, language)
  void i18next.changeLanguage(language)
}

import { useTranslation } from 'react-i18next'

/** Names of stages, classes, statuses and dependencies in the language of the page. What is not known stands as the server says it. */
export function useWords() {
  const { t, i18n } = useTranslation('operate')
  function word(group: 'stage' | 'class' | 'status' | 'dependency', value: string): string {
    return i18n.exists(`${group}.${value}`, { ns: 'operate' }) ? t(`${group}.${value}` as 'stage.convert') : value
  }
  return {
    stage: (value: string) => word('stage', value),
    class: (value: string) => word('class', value),
    status: (value: string) => word('status', value),
    dependency: (value: string) => word('dependency', value),
  }
}

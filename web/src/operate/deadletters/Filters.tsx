import { useTranslation } from 'react-i18next'
import { Button } from '../../design/Button'
import { Age } from '../filter/Age'
import { Chips } from '../filter/Chips'
import styles from '../filter/filter.module.css'
import { Search } from '../filter/Search'
import { wordsOf } from '../search'
import { useWords } from '../words'
import { type Filter, type facets, filters } from './filter'

const stages = ['receive', 'convert', 'analyze', 'publish']
const classes = ['input', 'transient', 'model', 'overload', 'dependency', 'internal']

type Props = {
  filter: Filter
  counted: ReturnType<typeof facets> | undefined
  onChoose: (filter: Filter) => void
}

/** Which dead letters are shown. */
export function Filters({ filter, counted, onChoose }: Props) {
  const { t } = useTranslation('letters')
  const words = useWords()
  return (
    <search className={styles.filters}>
      <Search
        label={t('filter.text')}
        text={filter.text ?? ''}
        onSearch={(text) => onChoose({ ...filter, text: text || undefined })}
      />
      <div className={styles.ages}>
        <Age
          any={t('filter.any')}
          label={t('filter.newer')}
          value={filter.newer}
          onChoose={(newer) => onChoose({ ...filter, newer })}
        />
        <Age
          any={t('filter.any')}
          label={t('filter.older')}
          value={filter.older}
          onChoose={(older) => onChoose({ ...filter, older })}
        />
        {filters(filter) && (
          <Button small kind="quiet" onClick={() => onChoose({})}>
            {t('filter.clear')}
          </Button>
        )}
      </div>
      <div className={styles.groups}>
        <Chips
          label={t('filter.stage')}
          words={stages}
          chosen={wordsOf(filter.stage)}
          counts={counted?.byStage}
          name={words.stage}
          onChoose={(chosen) => onChoose({ ...filter, stage: chosen?.join(',') })}
        />
        <Chips
          label={t('filter.class')}
          words={classes}
          chosen={wordsOf(filter.class)}
          counts={counted?.byClass}
          name={words.class}
          onChoose={(chosen) => onChoose({ ...filter, class: chosen?.join(',') })}
        />
      </div>
    </search>
  )
}

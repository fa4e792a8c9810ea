import type { Translated } from '..'
import type english from '../en/singer'

export default {
  title: '노래하기',
} satisfies Translated<typeof english>

import type { Translated } from '..'
import type english from '../en/operate'

export default {
  title: '운영',
} satisfies Translated<typeof english>

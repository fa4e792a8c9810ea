import type { Translated } from '..'
import type english from '../en/admin'

export default {
  title: '관리',
} satisfies Translated<typeof english>

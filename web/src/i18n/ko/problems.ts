import type { Translated } from '..'
import type english from '../en/problems'

export default {
  unknown: '서버가 요청을 처리하지 못했습니다. 다시 시도하고, 계속되면 운영자에게 요청 번호를 알려 주세요.',
  offline: '서버에 연결할 수 없습니다. 연결을 확인하고 다시 시도하세요.',
} satisfies Translated<typeof english>

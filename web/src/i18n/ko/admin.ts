import type { Translated } from '..'
import type english from '../en/admin'

export default {
  title: '관리',
  nav: {
    keys: 'API 키',
    webhooks: '웹훅',
    tenants: '테넌트',
    settings: '설정',
    audit: '감사 기록',
  },
  tenant: '테넌트',
  tenantForm: '영문 소문자, 숫자, 하이픈으로 63자까지',
  defaultTenant: 'default',
} satisfies Translated<typeof english>

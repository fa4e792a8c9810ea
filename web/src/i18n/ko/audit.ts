import type { Translated } from '..'
import type english from '../en/audit'

export default {
  title: '감사 기록',
  lead: '운영자와 관리자가 한 일입니다. 방금 한 일은 잠시 후에 나타납니다.',
  none: '아직 기록이 없습니다.',
  noMatch: '일치하는 기록이 없습니다. 필터를 지우면 다른 기록이 보입니다.',
  any: '전체',
  anyOf: '{{kind}}: 전체',
  at: '시각',
  what: '작업',
  subject: '대상',
  detail: '상세',
  by: '수행자',
  onlyBy: '{{by}}이(가) 한 일만 보기',
  tenant: '테넌트',
  allTenants: '모든 테넌트',
  everyTenant: '모든 테넌트',
  from: '시작 시각',
  to: '종료 시각',
  clear: '필터 지우기',
  kind: {
    key: 'API 키',
    webhook: '웹훅',
    setting: '설정',
    'dead-letter': '데드 레터',
    upload: '업로드',
    songs: '노래',
    song: '노래 한 곡',
    session: '로그인',
    'login-code': '로그인 주소',
    reconcile: '정합성 검사',
  },
  act: {
    key: {
      create: '키 생성',
      change: '키 변경',
      rotate: '키 교체',
      revoke: '키 폐기',
    },
    webhook: {
      create: '웹훅 추가',
      change: '웹훅 변경',
      remove: '웹훅 삭제',
      rotate: '웹훅 비밀 키 교체',
      pause: '웹훅 일시 중지',
      resume: '웹훅 다시 시작',
      ping: '웹훅 테스트',
      redeliver: '다시 보내기',
    },
    setting: {
      set: '설정 변경',
      unset: '설정 초기화',
    },
    'dead-letter': {
      reprocess: '업로드 다시 처리',
      discard: '업로드 폐기',
    },
    upload: {
      cancel: '업로드 취소',
      erase: '업로드 삭제',
    },
    songs: {
      import: '노래 가져오기',
    },
    song: {
      remove: '노래 삭제',
    },
    session: {
      begin: '로그인',
    },
    'login-code': {
      create: '로그인 주소 생성',
    },
    reconcile: {
      run: '정합성 검사 시작',
    },
  },
} satisfies Translated<typeof english>

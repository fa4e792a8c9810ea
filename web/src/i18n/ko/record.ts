import type { Translated } from '..'
import type english from '../en/record'

export default {
  label: '녹음기',
  asking: '브라우저가 물으면 마이크를 허용하세요.',
  recording: '녹음 중',
  paused: '일시정지됨',
  hint: '편하게 노래하세요. 막대가 소리의 크기를 보여 줍니다.',
  pausedHint: '일시정지했습니다. 지금은 녹음되지 않습니다.',
  warning: {
    clips: '소리가 너무 커서 찌그러집니다. 마이크에서 조금 떨어지거나 입력 음량을 낮추세요.',
    quiet: '소리가 매우 작습니다. 마이크에 다가가거나 맞는 마이크인지 확인하세요.',
  },
  pause: '일시정지',
  resume: '계속하기',
  stop: '마치기',
  taken: '녹음 크기는 {{size}}입니다. 들어 보거나 바로 보내세요.',
  nothing: '아무것도 녹음되지 않았습니다. 다시 시도하세요.',
  tookClips: '소리가 너무 커서 일부가 찌그러졌습니다. 그 부분의 결과는 정확하지 않을 수 있습니다.',
  tookQuiet: '녹음 소리가 매우 작습니다. 일부 음을 놓칠 수 있습니다.',
  unplugged: '마이크 연결이 끊겼습니다. 그때까지 부른 내용은 남아 있습니다.',
  listen: '들어 보기',
  pauseListening: '그만 듣기',
  retake: '다시 부르기',
  giveUp: '버리기',
  send: '보내기',
  tryAgain: '다시 시도',
  close: '닫기',
  obstacle: {
    insecure: {
      title: '녹음하려면 보안 연결이 필요합니다',
      text: '브라우저는 https:// 주소와 localhost에서만 마이크를 허용합니다. 그런 주소로 이 페이지를 열거나 파일을 선택하세요.',
    },
    unsupported: {
      title: '이 브라우저에서는 녹음할 수 없습니다',
      text: '최신 Chrome, Edge, Firefox, Safari를 사용하거나 다른 곳에서 녹음한 파일을 선택하세요.',
    },
    denied: {
      title: '마이크가 허용되지 않았습니다',
      text: '주소 왼쪽 아이콘을 눌러 이 사이트의 설정에서 마이크를 허용하고, 시스템 설정에서도 허용한 뒤 다시 시도하세요.',
    },
    missing: { title: '마이크를 찾지 못했습니다', text: '마이크를 연결하고 다시 시도하거나 파일을 선택하세요.' },
    busy: {
      title: '마이크를 사용할 수 없습니다',
      text: '다른 프로그램이 사용 중일 수 있습니다. 통화나 녹음 프로그램을 닫고 다시 시도하세요.',
    },
    failed: {
      title: '녹음을 시작하지 못했습니다',
      text: '페이지를 새로 고친 뒤 다시 시도하거나 파일을 선택하세요.',
    },
  },
  leave: {
    title: '보내지 않고 나갈까요?',
    text: '아직 보내지 않은 녹음이 있습니다. 이 페이지를 나가면 사라집니다.',
    stay: '머무르기',
    go: '나가기',
  },
} satisfies Translated<typeof english>

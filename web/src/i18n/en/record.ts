export default {
  label: 'Recorder',
  asking: 'Allow the microphone when your browser asks.',
  recording: 'Recording',
  paused: 'Paused',
  hint: 'Sing as you like. The bar shows how loud you are.',
  pausedHint: 'Paused. Nothing is being recorded.',
  warning: {
    clips: 'Too loud: the sound is distorted. Step back or turn the microphone down.',
    quiet: 'Very quiet. Come closer, or check that this is the right microphone.',
  },
  pause: 'Pause',
  resume: 'Go on',
  stop: 'Finish',
  taken: 'Your take is {{size}}. Listen to it, or send it right away.',
  nothing: 'Nothing was recorded. Try again.',
  tookClips: 'Parts of this take are distorted because they were too loud. The result may be off there.',
  tookQuiet: 'This take is very quiet. The result may miss notes.',
  unplugged: 'The microphone was disconnected. What you sang until then is here.',
  listen: 'Listen',
  pauseListening: 'Stop listening',
  retake: 'Sing again',
  giveUp: 'Throw away',
  send: 'Send',
  tryAgain: 'Try again',
  close: 'Close',
  obstacle: {
    insecure: {
      title: 'Recording needs a secure connection',
      text: 'Browsers allow the microphone only on https:// addresses and on localhost. Open this page there, or choose a file.',
    },
    unsupported: {
      title: 'This browser cannot record',
      text: 'Use a current Chrome, Edge, Firefox or Safari, or choose a file that you recorded elsewhere.',
    },
    denied: {
      title: 'The microphone is not allowed',
      text: 'Allow it in the settings of this site, which the icon left of the address opens, and in those of your system. Then try again.',
    },
    missing: { title: 'No microphone was found', text: 'Connect one, or choose a file, then try again.' },
    busy: {
      title: 'The microphone cannot be used',
      text: 'Another program may be using it. Close calls and recorders, then try again.',
    },
    failed: { title: 'Recording did not start', text: 'Reload the page and try again, or choose a file.' },
  },
  left: {
    others:
      'This tab left a recording or unsent files of another login. They are kept in this browser for an hour: log in as that one to go on with them.',
    failed:
      'What this tab left when you went to log in could not be opened. It is kept in this browser for an hour: send what is here, then reload the page to try again.',
    gone: 'What this tab left when you went to log in is no longer here: an hour has passed, somebody else has logged in, or another tab took it.',
  },
  leave: {
    title: 'Leave without sending?',
    text: 'Your take has not been sent. It is lost if you leave this page.',
    stay: 'Stay',
    go: 'Leave',
  },
}

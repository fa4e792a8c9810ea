/**
 * What went wrong and what to do, by the code of the problem: the part of its type behind `urn:orak:problem:`.
 * The server's own words stand beside them where they name a value.
 */
export default {
  unknown: 'The server could not answer this request. Try again; if it goes on, tell an operator the request id.',
  offline: 'The server cannot be reached. Check your connection and try again.',
  unreadable:
    'Your browser cannot read this file any more. It may have been changed, moved or removed, or it is a folder. Choose it again.',
  'invalid-request': 'The server did not understand a value. Correct it and try again.',
  'invalid-tenant': 'There can be no tenant of this name. Use lowercase letters, digits and hyphens.',
  'all-tenants-off': 'This server does not answer for all tenants at once. Choose one tenant.',
  unauthenticated: 'You are not logged in, or your key is no longer valid. Log in again.',
  'missing-scope': 'Your key does not permit this. Ask whoever manages keys for one with the scope that is missing.',
  'foreign-tenant': 'Your key is for another tenant. Log in with a key of this tenant.',
  csrf: 'Your login does not match this page any more. Reload the page, then try again.',
  'too-many-logins': 'Too many attempts to log in. Wait a minute, then try again.',
  'foreign-owner': 'Your key is for one person’s recordings, and this is somebody else’s.',
  'too-many-keys': 'The tenant has as many keys as it may have. Revoke one that is not used any more, then try again.',
  conflict: 'Somebody else changed this at the same moment. Look at what it says now, then decide again.',
  'rate-limited': 'Too many requests were sent in a short time. Wait a moment, then try again.',
  'daily-bytes':
    'As much as may be sent in a day has been sent. Try again tomorrow, or ask an administrator for a higher limit.',
  'empty-body': 'The recording is empty. Record it again, or choose another file.',
  'incomplete-body': 'The recording did not arrive completely. Check your connection and send it again.',
  'digest-mismatch': 'The recording was damaged on its way. Send it again.',
  timeout: 'The connection was too slow or stood still. Check it and try again.',
  'length-required': 'The request did not say how long the recording is. Send it again with another browser or app.',
  'too-large': 'This is larger than the server accepts. Send a shorter recording or a smaller file.',
  'unsupported-media': 'This is not a recording the server can read. Use WAV, MP3, M4A, FLAC, Ogg or WebM.',
  'unsupported-encoding': 'The request was compressed, which the server does not accept. Send it uncompressed.',
  'idempotency-conflict':
    'Another recording was sent under the same key before. Send this one as a new recording, with a key of its own.',
  'not-found': 'There is nothing here. It may have been removed, or the address may be mistyped.',
  'analysis-not-ready': 'The analysis is still being made. This page shows it as soon as it is there.',
  'no-analysis': 'This recording was not analyzed to the end, so there is no result. Its status says why.',
  'audio-not-ready': 'The recording is still being prepared. It can be played in a moment.',
  'no-audio': 'The recording is not kept any more, so it cannot be played.',
  'range-not-satisfiable': 'This part lies behind the end of the recording. Play it from the beginning.',
  'not-cancelable': 'This upload has ended already, so there is nothing left to cancel.',
  'not-indexed': 'The result is not in the index yet. Try again in a few seconds.',
  'no-voice':
    'No singing voice was found in this recording, so there is nothing to compare. Try one with more singing.',
  'invalid-import': 'Nothing was imported, since the file has bad lines. Correct them and import it again.',
  'too-many-imports': 'Other imports are still running. Try again when they are done.',
  'not-parked': 'This upload is not waiting for a decision. Somebody may have decided already; look at its status.',
  'invalid-webhook-url':
    'Webhooks cannot be sent to this address. It must be HTTPS, with a public host and a permitted port.',
  'too-many-webhooks': 'The tenant has as many webhooks as it may have. Remove one, then try again.',
  'webhook-changed':
    'Somebody else changed this webhook at the same moment. Nothing was done; look at it and try again.',
  'webhook-rotating':
    'The secret was rotated recently and the earlier one still signs. Wait until it ends, or end it now.',
  'webhook-paused': 'The webhook is paused. Resume it first.',
  erased: 'This recording was erased, and cannot be brought back.',
  'method-not-allowed': 'The server does not offer this. Reload the page: it may be older than the server.',
  'header-too-large':
    'The head of the request is too large. Shorten filters or metadata, or clear this site’s cookies.',
  'too-many-uploads': 'Many recordings are being sent at the moment. Wait a little, then send yours again.',
  'upload-incomplete': 'The recording has not arrived completely yet. Send the rest of it first.',
  'upload-complete': 'The recording has arrived already. To remove it, erase it.',
  'upload-expired': 'The time to finish sending this recording is over. Send it again from the beginning.',
  'too-many-open-uploads': 'Too many recordings are half sent. Finish or cancel some of them first.',
  'intake-paused': 'The operators have paused new recordings for now. Keep yours, and send it in a few minutes.',
  'expectation-failed':
    'Something between you and the server asks for what it cannot do. Try another network or browser.',
  'not-json': 'The request must be JSON. Send it with the media type application/json.',
  misdirected:
    'The server does not go by this name. Open it at its usual address, or ask an operator to permit this one.',
  'cross-site':
    'The request came from another site and was refused. Open the console at its own address and try again.',
  'too-many-streams':
    'Too many pages follow what happens live. Close some tabs; this page shows changes when reloaded.',
  'tus-version': 'The app speaks another version of the upload protocol. Update it, or reload the page.',
  'not-offset-stream': 'The app sent a part of the recording in the wrong form. Update it, or reload the page.',
  'offset-conflict': 'Sending got out of step with the server. It goes on from what has arrived; try again.',
  'upload-ended': 'This upload was ended before it was complete. Send the recording again from the beginning.',
  'upload-locked': 'This recording is being sent from elsewhere right now. Wait a moment, then try again.',
  'checksum-mismatch': 'A part of the recording was damaged on its way. Send it again.',
  unavailable: 'A part of the service is not available at the moment. Nothing is lost; try again in a moment.',
  internal: 'The server failed. Try again; if it goes on, tell an operator the request id.',
}

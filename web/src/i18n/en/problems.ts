/** What went wrong, by the code of the problem. The server's own words stand below where they say more. */
export default {
  unknown: 'The server could not answer this request. Try again; if it goes on, tell an operator the request id.',
  offline: 'The server cannot be reached. Check your connection and try again.',
}

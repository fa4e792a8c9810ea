/** What each act is called, by its kind and verb; a test compares them with those that the server records. */
export default {
  title: 'Audit',
  lead: 'What operators and administrators did. It follows what is done by moments.',
  none: 'Nothing has been done yet.',
  noMatch: 'No act matches. Clear a filter to see the others.',
  any: 'Anything',
  anyOf: '{{kind}}: anything',
  at: 'When',
  what: 'What',
  subject: 'To what',
  detail: 'Detail',
  by: 'By',
  onlyBy: 'Only what {{by}} did',
  tenant: 'Tenant',
  allTenants: 'All tenants',
  everyTenant: 'Every tenant',
  from: 'From',
  to: 'Before',
  clear: 'Clear filters',
  kind: {
    key: 'API keys',
    webhook: 'Webhooks',
    setting: 'Settings',
    'dead-letter': 'Dead letters',
    upload: 'Uploads',
    songs: 'Songs',
    song: 'A song',
    session: 'Logins',
    'login-code': 'Login addresses',
    reconcile: 'Reconcile',
  },
  act: {
    key: {
      create: 'Created a key',
      change: 'Changed a key',
      rotate: 'Rotated a key',
      revoke: 'Revoked a key',
    },
    webhook: {
      create: 'Added a webhook',
      change: 'Changed a webhook',
      remove: 'Removed a webhook',
      rotate: 'Rotated a webhook’s secret',
      pause: 'Paused a webhook',
      resume: 'Resumed a webhook',
      ping: 'Tested a webhook',
      redeliver: 'Delivered again',
    },
    setting: {
      set: 'Set a setting',
      unset: 'Unset a setting',
    },
    'dead-letter': {
      reprocess: 'Reprocessed an upload',
      discard: 'Discarded an upload',
    },
    upload: {
      cancel: 'Canceled an upload',
      erase: 'Erased an upload',
    },
    songs: {
      import: 'Imported songs',
    },
    song: {
      remove: 'Removed a song',
    },
    session: {
      begin: 'Logged in',
    },
    'login-code': {
      create: 'Made an address to log in',
    },
    reconcile: {
      run: 'Started a reconciliation',
    },
  },
}

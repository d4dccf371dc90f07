import { isolate } from '../words'

export const en = {
  settings: 'Settings',
  languageLabel: 'Language',
  theme: 'Appearance',
  themes: { system: 'System', light: 'Light', dark: 'Dark' },
  rename: 'Name',
  leave: 'Leave hubbub',
  leaveText: 'You leave as this guest for good: this browser forgets who you were.',
  leaveConfirm: 'Leave',
  signOutText: 'This browser forgets you until you sign in again. What you have not sent yet is lost.',
  leaveFailed: "That didn't reach the server. Try again.",

  sessions: 'Where you are signed in',
  device: (program: string, system?: string) => (system === undefined ? program : `${program} on ${system}`),
  unknownDevice: 'An unnamed program',
  thisDevice: 'This device',
  lastUsed: (when: string) => `Last used ${when}`,
  signOut: 'Sign out',
  signOutOf: (device: string) => `Sign out ${isolate(device)}`,
  signedOut: (device: string) => `${isolate(device)} was signed out`,
}

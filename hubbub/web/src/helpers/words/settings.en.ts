export const en = {
  settings: 'Settings',
  languageLabel: 'Language',
  theme: 'Appearance',
  themes: { system: 'System', light: 'Light', dark: 'Dark' },
  rename: 'Name',
  leave: 'Leave hubbub',
  leaveText: 'You leave as this guest for good: this browser forgets who you were.',
  leaveConfirm: 'Leave',
  leaveFailed: "That didn't reach the server. Try again.",
}

export const en = {
  showRooms: 'Show rooms',
  toMessages: 'Skip to the messages',
  reconnecting: 'Connection lost. Reconnecting…',
  unsent: 'What you write is kept and sent on return.',
  retryNow: 'Retry now',
  backOnline: 'Back online',
  refused: 'This page is out of date.',
  partMissing: "This part of the page didn't load. Reload the page.",
}

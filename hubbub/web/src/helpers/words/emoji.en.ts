export const en = {
  emoji: 'Emoji',
  emojiSearch: 'Search emoji',
  emojiMore: 'More emoji',
  emojiRecent: 'Recent',
  emojiGroups: [
    'Smileys',
    'People',
    'Animals and nature',
    'Food and drink',
    'Places',
    'Activities',
    'Objects',
    'Symbols',
    'Flags',
  ],
  emojiNone: 'No emoji is called that',
}

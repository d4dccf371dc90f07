/** The version of the front end, put in when it is built. */
declare const __VERSION__: string

/** The letters that pinyin begins with, from U+4E00 on; `more` has a character and its other letters, each. */
declare module 'virtual:initials' {
  export const first: string
  export const more: string
}

/** The emoji in their groups: each with its English and its Chinese name, and further words in both. */
declare module 'virtual:emoji' {
  export const groups: [emoji: string, en: string, zh: string, words: string][][]
}

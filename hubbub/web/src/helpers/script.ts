/* What a text is written in, as far as its setting depends on it. */

/** Whether Chinese sets the tone: such text reads better with wider lines. */
export function isMostlyHan(text: string): boolean {
  const han = text.match(/\p{Script=Han}/gu)?.length ?? 0
  const letters = text.match(/\p{Letter}/gu)?.length ?? 0
  // A Latin word is several letters where a Chinese one is two.
  return han > 0 && han * 3 >= letters - han
}

/** Han, Kana, Hangul and Bopomofo, their punctuation, and what is as wide. */
const CJK: readonly (readonly [number, number])[] = [
  [0x1100, 0x11ff],
  [0x2e80, 0x2fff],
  [0x3001, 0xa4cf],
  [0xa960, 0xa97f],
  [0xac00, 0xd7ff],
  [0xf900, 0xfaff],
  [0xfe10, 0xfe1f],
  [0xfe30, 0xfe6f],
  [0xff01, 0xffee],
  [0x16fe0, 0x18dff],
  [0x1aff0, 0x1b2ff],
  [0x20000, 0x3ffff],
]

/** Whether a character is of a script that has no spaces between words, or of its punctuation. */
export function isCjk(code: number): boolean {
  return CJK.some(([first, last]) => code >= first && code <= last)
}

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' })

/** The first character as a reader sees it, in capitals. */
export function initialOf(name: string): string {
  const [first] = segmenter.segment(name.trim())
  return first?.segment.toLocaleUpperCase() ?? '?'
}

/** Characters as limits count them: code points. */
export function lengthOf(text: string): number {
  let length = 0
  for (const _ of text) length += 1
  return length
}

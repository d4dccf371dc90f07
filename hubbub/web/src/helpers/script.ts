/* What a text is written in, as far as its setting depends on it. */

/** Whether Chinese sets the tone: such text reads better with wider lines. */
export function isMostlyHan(text: string): boolean {
  const han = text.match(/\p{Script=Han}/gu)?.length ?? 0
  const letters = text.match(/\p{Letter}/gu)?.length ?? 0
  // A Latin word is several letters where a Chinese one is two.
  return han > 0 && han * 3 >= letters - han
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

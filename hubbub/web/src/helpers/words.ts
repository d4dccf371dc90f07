/* What sentences are made with in every language: plurals, and names that can't disturb them. */

import { isCjk } from './script'

type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }

/** A function that picks the form for a count, and puts the count where `#` stands. */
export function pluralOf(language: string): (count: number, forms: Forms) => string {
  const rules = new Intl.PluralRules(language)
  const numbers = new Intl.NumberFormat(language)
  return (count, forms) => (forms[rules.select(count)] ?? forms.other).replace('#', numbers.format(count))
}

const HAN = /[\p{Script=Han}]/u

/** A Chinese sentence with names in it: one in other letters stands off from the characters beside it. */
export function sentence(parts: TemplateStringsArray, ...names: readonly string[]): string {
  return parts.reduce((before, part, index) => {
    const name = String(names[index - 1])
    const open = HAN.test(before.at(-1) ?? '') && !isCjkAt(name, 0) ? ' ' : ''
    const close = HAN.test(part[0] ?? '') && !isCjkAt(name, -1) ? ' ' : ''
    return `${before}${open}${isolate(name)}${close}${part}`
  })
}

function isCjkAt(name: string, at: number): boolean {
  return isCjk([...name].at(at)?.codePointAt(0) ?? 0)
}

/** A name whose direction stays its own: what <bdi> is, within a string. */
export function isolate(name: string): string {
  return `\u2068${name}\u2069`
}

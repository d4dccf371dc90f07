/* What sentences are made with in every language: plurals, and names that can't disturb them. */

type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }

/** A function that picks the form for a count, and puts the count where `#` stands. */
export function pluralOf(language: string): (count: number, forms: Forms) => string {
  const rules = new Intl.PluralRules(language)
  const numbers = new Intl.NumberFormat(language)
  return (count, forms) => (forms[rules.select(count)] ?? forms.other).replace('#', numbers.format(count))
}

/** A name whose direction stays its own: what <bdi> is, within a string. */
export function isolate(name: string): string {
  return `\u2068${name}\u2069`
}

import { describe, expect, test } from 'vitest'
import { HUES } from '../../src/helpers/hue'
import css from '../../src/styles/tokens.css?raw'

const LEAST = 4.5

type Tokens = Map<string, string>

/** The custom properties of every block with this selector, outside of media queries. */
function tokensOf(selector: string): Tokens {
  const tokens: Tokens = new Map()
  for (const [, head, body] of css.split('@media')[0]!.matchAll(/([^{}]+)\{([^}]*)\}/g)) {
    if (head!.replace(/\/\*[^]*?\*\//g, '').trim() !== selector) continue
    for (const [, name, value] of body!.matchAll(/(--[\w-]+):\s*([^;]+);/g)) tokens.set(name!, value!.trim())
  }
  return tokens
}

function colour(tokens: Tokens, name: string): string {
  const value = tokens.get(name)
  const reference = value?.match(/^var\((--[\w-]+)\)$/)?.[1]
  if (reference) return colour(tokens, reference)
  if (!value?.match(/^#[\da-f]{6}$/)) throw new Error(`${name} is no colour: ${value}`)
  return value
}

/** WCAG 2.2, relative luminance. */
function luminance(hex: string): number {
  const [red, green, blue] = [1, 3, 5].map((at) => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(one: string, other: string): number {
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

const surfaces = ['--surface', '--surface-raised', '--surface-sunken', '--surface-pressed']
const pairs = [
  ...surfaces.flatMap((surface) =>
    ['--text', '--text-quiet', '--accent', '--danger'].map((ink) => [ink, surface]),
  ),
  ...['--accent', '--accent-strong'].map((surface) => ['--on-accent', surface]),
  ...['--text', '--text-quiet', '--accent'].map((ink) => [ink, '--accent-wash']),
  ['--text', '--accent-line'],
  ['--text', '--danger-wash'],
  ['--danger', '--danger-wash'],
  ['--ok', '--ok-wash'],
  ['--text', '--mention'],
  ...['keyword', 'string', 'number', 'title'].map((part) => [`--code-${part}`, '--surface-raised']),
  ['--ok', '--surface-raised'],
  ...Array.from({ length: HUES }, (_, hue) => [`--hue-${hue}-ink`, `--hue-${hue}`]),
] as [string, string][]

const light = tokensOf(':root')
const themes = { light, dark: new Map([...light, ...tokensOf(":root[data-theme='dark']")]) }

describe.each(Object.entries(themes))('%s', (_theme, tokens) => {
  test.each(pairs)('%s on %s', (ink, surface) => {
    expect(contrast(colour(tokens, ink), colour(tokens, surface))).toBeGreaterThanOrEqual(LEAST)
  })
})

test('the dark theme changes first names only', () => {
  const meanings = [...light].filter(([, value]) => value.startsWith('var(')).map(([name]) => name)
  expect(meanings).toContain('--surface')
  const changed = [...tokensOf(":root[data-theme='dark']").keys()]
  expect(changed.filter((name) => meanings.includes(name))).toEqual([])
  const colours = [...light].filter(([, value]) => value.startsWith('#')).map(([name]) => name)
  expect(changed).toEqual(expect.arrayContaining(colours))
})

test('black on white is the most there is', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21)
})

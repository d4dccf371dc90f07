/* What a program says of itself when it signs in, in the words that its user knows. */

export interface Device {
  program: string
  /** What it runs on, where it says so. */
  system?: string
}

/** In this order: each browser also claims to be most of those after it. */
const PROGRAMS: readonly [RegExp, string][] = [
  [/\bEdgA?\//u, 'Edge'],
  [/\bOPR\//u, 'Opera'],
  [/\bSamsungBrowser\//u, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\//u, 'Firefox'],
  [/\b(?:Chrome|CriOS|HeadlessChrome)\//u, 'Chrome'],
  [/\bVersion\/\S+ .*Safari\//u, 'Safari'],
]

const SYSTEMS: readonly [RegExp, string][] = [
  [/\biPhone\b/u, 'iPhone'],
  [/\biPad\b/u, 'iPad'],
  [/\bAndroid\b/u, 'Android'],
  [/\bWindows\b/u, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/u, 'macOS'],
  [/\bCrOS\b/u, 'ChromeOS'],
  [/\bLinux\b/u, 'Linux'],
]

/** The browser and its system; of any other program the first word; null if it said nothing. */
export function deviceOf(label: string): Device | null {
  const program = PROGRAMS.find(([sign]) => sign.test(label))?.[1] ?? label.trim().split(/[\s/]/u)[0]
  if (!program) return null
  const system = SYSTEMS.find(([sign]) => sign.test(label))?.[1]
  return system === undefined ? { program } : { program, system }
}

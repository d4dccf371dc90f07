/* The language of the page: the reader's choice, else the browser's. */

import { en, type Words } from '../helpers/en'
import { recall, remember } from '../helpers/memory'
import { zh } from '../helpers/zh'

export type LanguageTag = 'zh-CN' | 'en'

const dictionaries: Record<LanguageTag, Words> = { 'zh-CN': zh, en }
export const LANGUAGES = Object.entries(dictionaries).map(([tag, words]) => ({
  tag: tag as LanguageTag,
  name: words.language,
}))

function initial(): LanguageTag {
  const choice = recall('language') ?? navigator.language
  return choice.toLowerCase().startsWith('zh') ? 'zh-CN' : 'en'
}

class Language {
  tag = $state(initial())

  get words(): Words {
    return dictionaries[this.tag]
  }

  /** The same language as the reader's country writes its times. */
  get locale(): string {
    return navigator.languages.find((locale) => locale.split('-')[0] === this.tag) ?? this.tag
  }

  choose(tag: LanguageTag): void {
    this.tag = tag
    remember('language', tag)
  }
}

export const language = new Language()

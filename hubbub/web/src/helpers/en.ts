/* Every word of the page in English, by subject, and the shape that other languages fill. */

import { en as common } from './words/common.en'
import { en as composer } from './words/composer.en'
import { en as emoji } from './words/emoji.en'
import { en as entry } from './words/entry.en'
import { en as files } from './words/files.en'
import { en as people } from './words/people.en'
import { en as refusals } from './words/refusals.en'
import { en as rooms } from './words/rooms.en'
import { en as settings } from './words/settings.en'
import { en as shell } from './words/shell.en'
import { en as talks } from './words/talks.en'
import { en as timeline } from './words/timeline.en'

export const en = {
  ...common,
  ...entry,
  ...shell,
  ...timeline,
  ...composer,
  ...emoji,
  ...files,
  ...rooms,
  ...talks,
  ...people,
  ...settings,
  ...refusals,
}

export type Words = typeof en

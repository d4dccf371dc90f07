/* Every word of the page in Chinese, by subject. */

import type { Words } from './en'
import { zh as common } from './words/common.zh'
import { zh as composer } from './words/composer.zh'
import { zh as emoji } from './words/emoji.zh'
import { zh as entry } from './words/entry.zh'
import { zh as files } from './words/files.zh'
import { zh as people } from './words/people.zh'
import { zh as refusals } from './words/refusals.zh'
import { zh as rooms } from './words/rooms.zh'
import { zh as settings } from './words/settings.zh'
import { zh as shell } from './words/shell.zh'
import { zh as talks } from './words/talks.zh'
import { zh as timeline } from './words/timeline.zh'

export const zh: Words = {
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

/* What a reader chose, as the models have it; of pictures it is found out how large they are. */

import { LONG_PASTE } from '../../models/attached'
import type { Chosen } from '../../models/trays'
import { language } from '../language.svelte'
import type { Talk } from '../talk.svelte'
import { toasts } from '../ui/toasts.svelte'

/** Larger pictures wait for the server to say how large they are. */
const MEASURED = 40_000_000

export async function attach(talk: Talk, files: readonly File[]): Promise<void> {
  const chosen = await Promise.all(files.map(choose))
  const { trays } = talk.sync
  if (trays.add(talk.place, chosen) > 0) {
    toasts.show({ text: language.words.tooManyFiles(trays.most), problem: true })
  }
  talk.write()
}

async function choose(file: File): Promise<Chosen> {
  const chosen = { blob: file, name: file.name }
  if (!file.type.startsWith('image/') || file.size > MEASURED) return chosen
  try {
    const { width, height } = await measure(file)
    return { ...chosen, width, height }
  } catch {
    return chosen
  }
}

async function measure(file: Blob): Promise<{ width: number; height: number }> {
  const bitmap = await createImageBitmap(file)
  const { width, height } = bitmap
  bitmap.close()
  return { width, height }
}

/** Take files, and what is too long for a message, from what is pasted; returns whether there is any. */
export function takePasted(talk: Talk, data: DataTransfer | null, insert: (text: string) => void): boolean {
  const files = [...(data?.files ?? [])]
  const text = data?.getData('text/plain') ?? ''
  // Programs for tables put a picture of what was copied beside its text.
  if (files.length > 0 && text === '') {
    void attach(talk, files)
    return true
  }
  if (text.length <= LONG_PASTE) return false
  const { words } = language
  const file = new File([text], words.pastedName, { type: 'text/plain' })
  void attach(talk, [file]).then(() => {
    const key = talk.sync.trays.of(talk.place).find(({ blob }) => blob === file)?.key
    const undo = (): void => {
      if (key !== undefined) talk.sync.trays.remove(talk.place, key)
      insert(text)
    }
    toasts.show({ text: words.pastedAsFile, undo })
  })
  return true
}

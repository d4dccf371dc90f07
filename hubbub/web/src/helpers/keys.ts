/* The key that makes others commands: Command on Apple's keyboards, where Control moves the caret. */

type Key = Pick<KeyboardEvent, 'ctrlKey' | 'metaKey'>

export function isCommand({ ctrlKey, metaKey }: Key, platform = navigator.platform): boolean {
  return /^(?:Mac|iP)/u.test(platform) ? metaKey : ctrlKey
}

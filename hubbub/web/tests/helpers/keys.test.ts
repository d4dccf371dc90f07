import { expect, test } from 'vitest'
import { isCommand } from '../../src/helpers/keys'

test('each keyboard has its own key for commands', () => {
  const control = { ctrlKey: true, metaKey: false }
  const command = { ctrlKey: false, metaKey: true }
  expect([isCommand(control, 'Linux x86_64'), isCommand(command, 'Win32')]).toEqual([true, false])
  expect([isCommand(control, 'MacIntel'), isCommand(command, 'iPad')]).toEqual([false, true])
})

import { expect, test } from 'vitest'
import { deviceOf } from '../../src/helpers/devices'

const LIKE = 'Mozilla/5.0 (%) AppleWebKit/537.36 (KHTML, like Gecko) '

test.each([
  [`${LIKE.replace('%', 'Windows NT 10.0; Win64; x64')}Chrome/140.0 Safari/537.36`, 'Chrome', 'Windows'],
  [`${LIKE.replace('%', 'Windows NT 10.0')}Chrome/140.0 Safari/537.36 Edg/140.0`, 'Edge', 'Windows'],
  [
    `${LIKE.replace('%', 'Linux; Android 15; Pixel 9')}Chrome/140.0 Mobile Safari/537.36`,
    'Chrome',
    'Android',
  ],
  [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1 Version/19.0 Mobile Safari/604',
    'Safari',
    'iPhone',
  ],
  ['Mozilla/5.0 (Macintosh; Intel Mac OS X 15.1; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox', 'macOS'],
])('%s', (label, program, system) => {
  expect(deviceOf(label)).toEqual({ program, system })
})

test('other programs are called what they call themselves', () => {
  expect(deviceOf('hubbub-terminal/0.1')).toEqual({ program: 'hubbub-terminal' })
  expect(deviceOf(' ')).toBeNull()
})

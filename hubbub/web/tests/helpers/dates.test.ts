import { expect, test } from 'vitest'
import { agoOf, dayOf, momentOf, timeOf, untilTomorrow } from '../../src/helpers/dates'

const at = (day: number, hour = 12): number => new Date(2026, 10, day, hour, 5, 9).getTime()
const now = at(23)

test('days by their names', () => {
  expect(dayOf(at(23, 0), now, 'zh-CN')).toBe('今天 · 11月23日星期一')
  expect(dayOf(at(22, 23), now, 'zh-CN')).toBe('昨天 · 11月22日星期日')
  expect(dayOf(at(23), now, 'en')).toBe('Today · Monday, November 23')
  expect(dayOf(at(22), now, 'en')).toBe('Yesterday · Sunday, November 22')
  expect(dayOf(at(20), now, 'en')).toBe('Friday, November 20')
})

test('another year is named', () => {
  expect(dayOf(new Date(2025, 0, 2).getTime(), now, 'zh-CN')).toContain('2025年')
  expect(dayOf(at(20), now, 'zh-CN')).not.toContain('2026')
})

test('times as the language writes them', () => {
  expect(timeOf(at(23, 14), 'zh-CN')).toBe('14:05')
  expect(timeOf(at(23, 14), 'en').replace(/\s/u, ' ')).toBe('2:05 PM')
  expect(momentOf(at(23), 'zh-CN')).toContain('12:05:09')
})

test('tomorrow comes at midnight', () => {
  expect(now + untilTomorrow(now)).toBe(new Date(2026, 10, 24).getTime())
})

test('how long ago is told in hours, then in days', () => {
  const now = Date.UTC(2026, 2, 14)
  const hours = (count: number): number => now - count * 3600_000
  expect([0, 1, 5, 30, 72].map((count) => agoOf(hours(count), now, 'en'))).toEqual([
    '1 hour ago',
    '1 hour ago',
    '5 hours ago',
    '1 day ago',
    '3 days ago',
  ])
})

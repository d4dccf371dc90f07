/* Files over the browser's HTTP: what tells how much of a request has left is older than `fetch`. */

import type { Carrier, Uploaded } from '../models/uploads'
import type { FileInfo } from './frames.generated'

const FILES = '/v1/files'

export const browserCarrier: Carrier = {
  upload(room, { blob, name, alt }, sent, done) {
    const request = new XMLHttpRequest()
    request.open('POST', `${FILES}?${new URLSearchParams({ s: room, name, alt }).toString()}`)
    request.setRequestHeader('content-type', 'application/octet-stream')
    request.upload.onprogress = ({ loaded }) => sent(loaded)
    request.onloadend = () => done(endOf(request.status, request.responseText))
    request.send(blob)
    return () => {
      request.onloadend = null
      request.abort()
    }
  },
  async describe(id, alt) {
    const headers = { 'content-type': 'application/json' }
    try {
      const body = JSON.stringify({ alt })
      return (await fetch(`${FILES}/${id}`, { method: 'PATCH', headers, body })).ok
    } catch {
      return false
    }
  },
  discard(id) {
    // What stays there is forgotten after a day.
    fetch(`${FILES}/${id}`, { method: 'DELETE' }).catch(() => {})
  },
}

/** What an answer says; `status` is 0 where there was none. */
export function endOf(status: number, text: string): Uploaded {
  if (status === 201) return { file: JSON.parse(text) as FileInfo }
  const { code, retry, after } = refusalOf(text)
  if (status === 0 || status === 502 || status === 503 || status === 504) return { code: 'lost', retry: true }
  if (status === 413) return { code: 'file_too_long', retry: false }
  if (status === 422) return { code: 'file_invalid', retry: false }
  // That there is no room left doesn't change by asking again and again.
  const again = retry && status !== 507
  return { code, retry: again, ...(after !== undefined && { after }) }
}

function refusalOf(text: string): { code: string; retry: boolean; after?: number } {
  try {
    return (JSON.parse(text) as { error: { code: string; retry: boolean; after?: number } }).error
  } catch {
    return { code: 'internal', retry: false }
  }
}

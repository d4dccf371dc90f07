import type { en } from './refusals.en'

const refusals: Record<string, string> = {
  lost: '连接断开了，不确定是否已经完成。看一下，再试一次。',
  forbidden: '你在这里没有这个权限，可以请房主来做，或请房主给你权限。',
  not_found: '它已经不在了，或者没有对你开放。',
  not_member: '请先加入房间。',
  banned: '你被禁止进入这个房间，只有房主或管理员能让你回来。',
  archived: '这个房间已关闭，里面的内容不能再改。',
  invalid: '这样不能用，换一个试试。',
  too_long: '太长了，请缩短一些。',
  too_many_requests: '一下子太多了，过一分钟再试。',
  storage_full: '服务器没有空间了，请联系它的管理者。',
  unavailable: '服务器暂时做不到，过一分钟再试。',
  unauthorized: '登录已失效，请刷新页面。',
}

export const zh: typeof en = {
  refusal: (code) => refusals[code] ?? '没有成功，请再试一次。',
}

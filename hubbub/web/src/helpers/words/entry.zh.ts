import type { en } from './entry.en'

const problems: Record<string, string> = {
  unauthorized: '用户名或密码不对。',
  unreachable: '连不上服务器。请检查网络后再试。',
  too_many_requests: '尝试次数太多，过一分钟再试。',
}

export const zh: typeof en = {
  haveAccount: '我有账号',
  makeAccount: '注册账号',
  asGuest: '以访客身份进入',
  logInTitle: '欢迎回来',
  logIn: '登录',
  registerTitle: '注册账号',
  register: '注册',
  username: '用户名',
  usernameHint: '登录时用：字母、数字和 . _ -',
  password: '密码',
  passwordHint: '至少 8 个字符。',
  shownName: '名字（可不填）',
  shownNameHint: '别人看到的名字，不填就是用户名。',
  accountEnded: '登录已失效，请重新登录。',
  entryProblem: (code, isNew) =>
    problems[code] ??
    (code === 'forbidden'
      ? isNew
        ? '这里暂时不能注册。'
        : '这个账号已停用，管理员可以恢复它。'
      : isNew
        ? '用户名已被使用或含有不能用的字符，也可能是名字或密码太长。'
        : '没有成功，请再试一次。'),

  tagline: '一间安静的聊天室。',
  nameTitle: '你好，怎么称呼？',
  nameLabel: '你的名字',
  namePlaceholder: '什么名字都行',
  nameEnter: '进入大厅',
  nameEntering: '正在开门…',
  nameHint: '不用注册，这个浏览器会记得你。',
  nameEmpty: '先写个名字吧。',
  nameTooLong: (most) => `名字最多 ${most} 个字。`,
  nameInvalid: '这个名字用不了，换一个不带特殊字符的试试。',
  nameTooMany: '刚才从你那里来的人太多了，过一分钟再试。',
  nameUnreachable: '连不上服务器。请检查网络后再试。',
  sessionEnded: '登录已失效，取个名字再回来吧。',
  unreachableTitle: '连不上服务器',
  unreachableText: '它可能正在重启，我们会继续尝试。',
}

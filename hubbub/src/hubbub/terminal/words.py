"""Every word of the terminal client, in English and in Chinese."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final


@dataclass(frozen=True, slots=True)
class Words:
    """What is said, in one language."""

    language: str
    rooms: str
    room_keys: str
    write_to: str
    keys: str
    few_keys: str
    trying: str
    lost: str
    lost_unsent: str
    connected: str
    disconnected: str
    beginning: str
    loading: str
    older_failed: str
    empty: str
    no_room: str
    new: str
    edited: str
    pinned: str
    deleted: str
    gone: str
    sending: str
    waiting: str
    refused_keys: str
    replying: str
    editing: str
    stop: str
    newer_one: str
    newer_many: str
    reply_one: str
    reply_many: str
    unsent_one: str
    unsent_many: str
    here_one: str
    here_many: str
    typing_one: str
    typing_two: str
    typing_many: str
    switch_room: str
    join_room: str
    create_room: str
    leave_room: str
    show_people: str
    light: str
    dark: str
    quit: str
    help: str
    search_commands: str
    no_commands: str
    no_rooms: str
    room_name: str
    private_room: str
    leave_question: str
    delete_question: str
    react_with: str
    people_in: str
    members: str
    yes: str
    no: str
    escape: str
    confirm_keys: str
    copied: str
    removed: str
    too_long: str
    own_only: str
    quit_keys: str
    ended: str
    not_kept: str
    ask_name: str
    ask_password: str
    unreachable: str
    no_chat: str
    no_address: str
    not_let_in: str
    wrong_password: str
    bad_name: str
    too_many: str
    state_unusable: str
    session_over: str
    help_text: str
    weekdays: Sequence[str] = field(default=())
    months: Sequence[str] = field(default=())
    reasons: Mapping[str, str] = field(default_factory=dict)

    def day(self, day: date, today: date) -> str:
        """Return what a day is called; its year only if that isn't this one."""
        weekday, month = self.weekdays[day.weekday()], self.months[day.month - 1]
        if self.language == "zh":
            year = "" if day.year == today.year else f"{day.year}年"
            return f"{year}{day.month}月{day.day}日 {weekday}"
        year = "" if day.year == today.year else f" {day.year}"
        return f"{weekday}, {day.day} {month}{year}"

    def count(self, one: str, many: str, number: int) -> str:
        """Return how many there are of something."""
        return (one if number == 1 else many).format(number)

    def reason(self, code: str) -> str:
        """Return why a write was refused."""
        return self.reasons.get(code, self.reasons["other"])

    def typing(self, names: Sequence[str]) -> str:
        """Return who types; nothing, if nobody does."""
        if not names:
            return ""
        if len(names) > 2:
            return self.typing_many
        return (self.typing_one if len(names) == 1 else self.typing_two).format(*names)


EN: Final = Words(
    language="en",
    rooms="Rooms",
    room_keys="Ctrl+K",
    write_to="Message {}",
    keys="F1 help · Ctrl+K rooms · Ctrl+P commands · Ctrl+Q quit",
    few_keys="F1 help · Ctrl+Q quit",
    trying="Connection lost. Trying to get it back…",
    lost="Connection lost. Next try in {} s.",
    lost_unsent="What you write is kept, and sent then.",
    connected="connected",
    disconnected="no connection",
    beginning="This is where {} begins.",
    loading="Loading older messages…",
    older_failed="Older messages didn't load.",
    empty="Say something. It's quiet here so far.",
    no_room="You are in no room. Ctrl+P: join one, or make one.",
    new="New",
    edited="edited",
    pinned="pinned",
    deleted="Message deleted",
    gone="a message that isn't loaded",
    sending="sending…",
    waiting="waiting for the connection…",
    refused_keys="select it: r tries again, Del removes it",
    replying="Reply to {}: ",
    editing="Editing your message",
    stop="Esc stops",
    newer_one="↓ {} new message · End",
    newer_many="↓ {} new messages · End",
    reply_one="{} reply in its thread",
    reply_many="{} replies in its thread",
    unsent_one="{} message waits to be sent",
    unsent_many="{} messages wait to be sent",
    here_one="{} here",
    here_many="{} here",
    typing_one="{} is typing…",
    typing_two="{} and {} are typing…",
    typing_many="Several people are typing…",
    switch_room="Switch room",
    join_room="Join a room",
    create_room="Make a room",
    leave_room="Leave this room",
    show_people="Who is here",
    light="Light colours",
    dark="Dark colours",
    quit="Quit",
    help="Keys and help",
    search_commands="What would you like to do?",
    no_commands="That can't be done here.",
    no_rooms="There is no such room.",
    room_name="Name of the new room",
    private_room="Private: only those who are invited",
    leave_question="Leave {}?",
    delete_question="Delete this message for everyone?",
    react_with="React with",
    people_in="In {}",
    members="{} members",
    yes="Yes",
    no="No",
    escape="Esc closes",
    confirm_keys="Enter takes it · Esc closes",
    copied="Copied.",
    removed="You are no longer in {}.",
    too_long="{} characters too many.",
    own_only="Only your own messages can be edited.",
    quit_keys="Ctrl+Q quits.",
    ended="The session has ended: {}.",
    not_kept="Another hubbub chat is open under this name. What isn't sent when this one is closed, is lost.",
    ask_name="Your name in the chat",
    ask_password="Password of {}",
    unreachable="{} can't be reached ({}).",
    no_chat="{} is no hubbub chat.",
    no_address="{} is no address of a chat: those begin with http:// or https://.",
    not_let_in="{} doesn't let you in: {}",
    wrong_password="{} knows no such username with this password.",
    bad_name="This name can't be used: {}",
    too_many="Too many people have just come from where you are. Try again in a minute.",
    state_unusable="The folder {} can't be used ({}).",
    session_over="Your session has ended. Start again to come back.",
    weekdays=("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    months=(
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
        "November", "December",
    ),
    reasons={
        "too_long": "This message is too long.",
        "invalid": "That can't be done as it is.",
        "not_member": "You aren't a member of this room any more.",
        "forbidden": "You may not do that here.",
        "not_found": "That isn't there any more.",
        "read_only": "Only some people can write in this room.",
        "archived": "This room is closed.",
        "muted": "You can't write here for a while.",
        "banned": "You are banned from this room.",
        "nonce_reuse": "This message was mixed up with another one.",
        "edit_conflict": "The message was changed meanwhile.",
        "edit_expired": "It is too late to edit this message.",
        "outbox": "It can't be kept on this disk until it is sent.",
        "other": "The server refused that.",
    },
    help_text="""\
Writing
  Enter            send
  Ctrl+J           new line; so do Alt+Enter, Shift+Enter
  Tab              complete a name after @, or go to messages
  ↑                edit your last message, in an empty line
  Esc              stop editing or replying

Messages (Tab, or a click)
  ↑ ↓  j k         select
  r                reply; send a refused message again
  e                edit your own
  + :              react
  c                copy
  Del d            delete; remove a refused message
  PgUp PgDn        scroll, from the composer as well
  End              to the latest
  Esc              back to writing

Everywhere
  Ctrl+K           switch room
  Alt+↑ Alt+↓      the room above, below
  Ctrl+P           everything else: join, make, leave a room …
  F1               this help; ? among the messages
  Ctrl+Q           quit""",
)  # fmt: skip

ZH: Final = Words(
    language="zh",
    rooms="房间",
    room_keys="Ctrl+K",
    write_to="发消息到{}",
    keys="F1 帮助 · Ctrl+K 房间 · Ctrl+P 命令 · Ctrl+Q 退出",
    few_keys="F1 帮助 · Ctrl+Q 退出",
    trying="连接断开了，正在重连…",
    lost="连接断开了，{} 秒后重试。",
    lost_unsent="写下的话会留着，恢复后发出。",
    connected="已连接",
    disconnected="未连接",
    beginning="{}从这里开始。",
    loading="正在载入更早的消息…",
    older_failed="更早的消息没能载入。",
    empty="说点什么吧，这里还很安静。",
    no_room="你还不在任何房间里。按 Ctrl+P 加入或新建一个。",
    new="新消息",
    edited="已编辑",
    pinned="已置顶",
    deleted="消息已删除",
    gone="一条尚未载入的消息",
    sending="发送中…",
    waiting="等待连接…",
    refused_keys="选中后：r 重试，Del 删除",
    replying="回复 {}：",
    editing="正在编辑你的消息",
    stop="Esc 取消",
    newer_one="↓ {} 条新消息 · End",
    newer_many="↓ {} 条新消息 · End",
    reply_one="{} 条话题回复",
    reply_many="{} 条话题回复",
    unsent_one="{} 条消息待发送",
    unsent_many="{} 条消息待发送",
    here_one="{} 人在线",
    here_many="{} 人在线",
    typing_one="{} 正在输入…",
    typing_two="{}和{} 正在输入…",
    typing_many="好几个人正在输入…",
    switch_room="切换房间",
    join_room="加入房间",
    create_room="新建房间",
    leave_room="离开这个房间",
    show_people="谁在这里",
    light="浅色",
    dark="深色",
    quit="退出",
    help="按键与帮助",
    search_commands="想做什么？",
    no_commands="这里没有这样的命令。",
    no_rooms="没有这样的房间。",
    room_name="新房间的名字",
    private_room="私密：只有受邀的人能进",
    leave_question="离开{}？",
    delete_question="为所有人删除这条消息？",
    react_with="表态",
    people_in="{}的成员",
    members="{} 人",
    yes="是",
    no="否",
    escape="Esc 关闭",
    confirm_keys="Enter 确定 · Esc 关闭",
    copied="已复制。",
    removed="你已不在{}里。",
    too_long="多了 {} 个字。",
    own_only="只能编辑自己的消息。",
    quit_keys="按 Ctrl+Q 退出。",
    ended="会话结束了：{}。",
    not_kept="这个名字已经开着另一个 hubbub chat。关闭这一个时，还没发出的消息会丢失。",
    ask_name="怎么称呼你",
    ask_password="{} 的密码",
    unreachable="连不上 {}（{}）。",
    no_chat="{} 不是 hubbub 聊天室。",
    no_address="{} 不是聊天室的地址：地址以 http:// 或 https:// 开头。",
    not_let_in="{} 没让你进去：{}",
    wrong_password="{} 上没有这个用户名，或密码不对。",
    bad_name="这个名字用不了：{}",
    too_many="刚才从你那里来的人太多了，过一分钟再试。",
    state_unusable="文件夹 {} 用不了（{}）。",
    session_over="登录已失效，重新启动即可回来。",
    weekdays=("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日"),
    months=tuple(f"{month}月" for month in range(1, 13)),
    reasons={
        "too_long": "这条消息太长了。",
        "invalid": "这样做不了。",
        "not_member": "你已不在这个房间里。",
        "forbidden": "你不能在这里这样做。",
        "not_found": "它已经不在了。",
        "read_only": "这个房间只有部分人可以发言。",
        "archived": "这个房间已关闭。",
        "muted": "你暂时不能在这里发言。",
        "banned": "你被禁止进入这个房间。",
        "nonce_reuse": "这条消息和另一条弄混了。",
        "edit_conflict": "这条消息刚被改过。",
        "edit_expired": "现在已经不能编辑这条消息了。",
        "outbox": "这块磁盘上没法保存待发的消息。",
        "other": "服务器拒绝了。",
    },
    help_text="""\
书写
  Enter            发送
  Ctrl+J           换行；Alt+Enter、Shift+Enter 也行
  Tab              在 @ 后补全名字，否则转到消息
  ↑                没写字时：编辑自己的上一条消息
  Esc              取消编辑或回复

消息（Tab 或点击）
  ↑ ↓  j k         选择
  r                回复；被拒绝的消息：重试
  e                编辑自己的消息
  + :              表态
  c                复制
  Del d            删除；被拒绝的消息：移除
  PgUp PgDn        滚动，书写时也行
  End              回到最新
  Esc              回到书写

任何地方
  Ctrl+K           切换房间
  Alt+↑ Alt+↓      上一个、下一个房间
  Ctrl+P           其余一切：加入、新建、离开房间……
  F1               本帮助；在消息中也可按 ?
  Ctrl+Q           退出""",
)


def choose(wanted: str | None, environment: Mapping[str, str]) -> Words:
    """Return the words of the language that was asked for, or else of the environment's."""
    said = wanted or next(
        (environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), ""
    )
    return ZH if said.lower().startswith("zh") else EN

/*
 * Every frame of `hubbub.v1`, as types.  Made by `python -m hubbub.wire`: change the
 * structures there, and make it anew.
 */

export const SUBPROTOCOL = 'hubbub.v1'

/** Goes where an invitation leads. */
export interface AcceptInvite {
  token: string
}

/** The room that one is in now, if the invitation leads to one. */
export interface AcceptedResult {
  s?: string
}

export type Answer = Ok | DeltaOk | RoomResetOk | InboxResetOk | BadgeOk | SendOk | HistOk | LogOk | CallOk

/** Closes a room for good, or opens it again. */
export interface ArchiveRoom {
  s: string
  on: boolean
}

/** Says what waits in a room that is subscribed to at the level `badge`. */
export interface Badge {
  t: 'eph'
  s: string
  d: BadgeInfo
  k: 'badge'
}

/** What waits in a room, as of the event `head`. */
export interface BadgeInfo {
  head: number
  unread: number
  mentions: number
}

/** Says what waits in a room, as it was at `head`. */
export interface BadgeOk {
  t: 'ok'
  id: number
  epoch: number
  head: number
  me: Marks
  mode: 'badge'
}

/** Puts someone out of a room, who may not come back. */
export interface Ban {
  s: string
  user: string
}

/** Who is kept out of a room, by whom, and since when. */
export interface BanInfo {
  user: UserInfo
  by: UserInfo
  ts: number
}

/** A page of those who are kept out; `next` if there is another. */
export interface BansResult {
  bans: BanInfo[]
  next?: string
}

/** Several frames of one side as one, where both agreed to it. */
export type Batch = ClientFrame[] | ServerFrame[]

/** One wants nothing of a user, or no longer so. */
export interface BlockBody {
  user: UserInfo
  on: boolean
}

/** Wants nothing of somebody, or no longer so. */
export interface BlockUser {
  user: string
  on: boolean
}

/** Says why the connection is about to be closed, and whether to come back. */
export interface Bye {
  t: 'bye'
  code: number
  why: string
  retry: 'never' | 'reauth' | 'resume'
  after?: number
}

/** Asks for what the method `m` does with the parameters `p`; `n` is the nonce of one that writes. */
export interface Call {
  t: 'call'
  id: number
  m: string
  p: Record<string, unknown>
  n?: string
}

/** What each method takes (`p`) and gives (`r`). */
export interface Methods {
  'room.create': { p: CreateRoom; r: RoomResult }
  'room.update': { p: UpdateRoom; r: WriteResult }
  'room.join': { p: JoinRoom; r: RoomResult }
  'room.leave': { p: LeaveRoom; r: WriteResult }
  'room.invite': { p: Invite; r: WriteResult }
  'room.list': { p: ListRooms; r: RoomsResult }
  'room.archive': { p: ArchiveRoom; r: WriteResult }
  'dm.open': { p: OpenTalk; r: RoomResult }
  'user.search': { p: FindPeople; r: PeopleResult }
  'user.block': { p: BlockUser; r: WriteResult }
  'member.kick': { p: Kick; r: WriteResult }
  'member.ban': { p: Ban; r: WriteResult }
  'member.unban': { p: Unban; r: WriteResult }
  'member.bans': { p: ListBans; r: BansResult }
  'member.role': { p: GiveRole; r: WriteResult }
  'member.list': { p: ListMembers; r: MembersResult }
  'msg.edits': { p: ListEdits; r: EditsResult }
  'msg.thread': { p: ReadThread; r: MessagesResult }
  'msg.pinned': { p: ListPinned; r: MessagesResult }
  'me.set': { p: SetOwn; r: WriteResult }
  'session.list': { p: ListSessions; r: SessionsResult }
  'session.revoke': { p: RevokeSession; r: DoneResult }
  'settings.read': { p: ReadSettings; r: SettingsResult }
  'settings.change': { p: ChangeSettings; r: SettingsResult }
  'user.list': { p: ListUsers; r: UsersResult }
  'user.role': { p: GiveServerRole; r: DoneResult }
  'user.disable': { p: DisableUser; r: DoneResult }
  'user.enable': { p: EnableUser; r: DoneResult }
  'user.reset': { p: IssueReset; r: LinkResult }
  'invite.create': { p: CreateInvite; r: InviteResult }
  'invite.list': { p: ListInvites; r: InvitesResult }
  'invite.revoke': { p: RevokeInvite; r: DoneResult }
  'invite.accept': { p: AcceptInvite; r: AcceptedResult }
}

/** Brings what a method gives. */
export interface CallOk {
  t: 'ok'
  id: number
  r: Result
}

/** Decides what is given, and leaves the rest; for administrators. */
export interface ChangeSettings {
  sign_up?: 'closed' | 'invite' | 'open'
  guests?: boolean
  members_invite?: boolean
}

/** What program speaks, and on which device, where it has one connection at a time. */
export interface Client {
  name: string
  ver: string
  device?: string
}

export type ClientFrame = Hello | Sub | Unsub | Send | Edit | Delete | React | Pin | Read | Skip | Hist | Log | Call | Typing | Pres | ClientPing | Pong

/** Asks whether the server is there. */
export interface ClientPing {
  t: 'ping'
}

/** Makes a link that lets so many in, for so many seconds, and perhaps into a room. */
export interface CreateInvite {
  lifetime: number
  uses?: number
  s?: string
}

/** Makes a room, whose owner one is. */
export interface CreateRoom {
  name: string
  topic?: string
  visibility?: 'private' | 'public'
  posting?: 'all' | 'moderators'
  history?: 'all' | 'joined'
}

/** Asks to take the message `m` back. */
export interface Delete {
  t: 'del'
  id: number
  s: string
  n: string
  m: number
}

/** The message `m` was taken back; it was in the thread of `th`, if it was in one. */
export interface DeletedBody {
  n: string
  m: number
  th?: number
}

/** Brings every event since the position that was asked for, up to `head`. */
export interface DeltaOk {
  t: 'ok'
  id: number
  epoch: number
  head: number
  ev: Event[]
  users: Record<string, NameInfo>
  mode: 'delta'
}

/** Keeps someone out of the whole chat; for administrators. */
export interface DisableUser {
  user: string
}

/** That it is so. */
export type DoneResult = Record<string, unknown>

/**
 * What a message is to say; `re` is the message it answers, `th` the one whose thread it goes to.
 *
 * `files` were uploaded before; with them, the text may be empty.
 */
export interface Draft {
  text: string
  re?: number
  th?: number
  files?: string[]
}

/** Asks to give the message `m` another text, if it still has that of the event `base`. */
export interface Edit {
  t: 'edit'
  id: number
  s: string
  n: string
  m: number
  d: NewText
  base?: number
}

/** A text that a message has or had, by the number of the event that gave it. */
export interface EditInfo {
  q: number
  ts: number
  text: string
}

/** Another text for the message `m`. */
export interface EditedBody {
  n: string
  m: number
  text: string
}

/** The last texts of a message, the oldest first, and `more` before them; none once it is deleted. */
export interface EditsResult {
  edits: EditInfo[]
  more: boolean
}

/** Lets someone back who was kept out; for administrators. */
export interface EnableUser {
  user: string
}

/** Something that may be lost, and is no longer true after `ttl`, if that is given. */
export interface Ephemeral {
  t: 'eph'
  k: string
  d: Record<string, unknown>
  s?: string
  ttl?: number
}

/** What the `d` of each kind of ephemeral is. */
export interface EphemeralBodies {
  'typing': TypingInfo
  'pres': PresenceInfo
  'pres.state': PresenceList
  'badge': BadgeInfo
}

/** Says that it isn't done, and why; without `id`, of a frame that had none. */
export interface Err {
  t: 'err'
  code: 'bad_frame' | 'unknown_op' | 'unauthorized' | 'forbidden' | 'not_found' | 'not_member' | 'banned' | 'muted' | 'slow_mode' | 'read_only' | 'archived' | 'invalid' | 'too_long' | 'edit_conflict' | 'edit_expired' | 'nonce_reuse' | 'too_many_requests' | 'too_many_streams' | 'upload_missing' | 'storage_full' | 'unavailable' | 'internal'
  msg: string
  retry: boolean
  id?: number
  after?: number
}

/** Something that happened in a stream; `by` is a user's id. */
export interface Event {
  t: 'ev'
  s: string
  q: number
  k: string
  ts: number
  by: string
  d: Record<string, unknown>
}

/** What the `d` of each kind of event is. */
export interface EventBodies {
  'msg.new': PostedBody | Forgotten
  'msg.edit': EditedBody | Forgotten
  'msg.del': DeletedBody
  'react': ReactedBody
  'pin': PinnedBody
  'member': MemberBody
  'room': RoomBody
  'room.add': RoomAddedBody
  'room.rm': RoomRemovedBody
  'read': ReadBody
  'mention': MentionBody
  'set': SetBody
  'block': BlockBody
}

/**
 * A file of a message; `w` and `h` are a picture's size in pixels, `alt` says in words what it
 * shows.
 *
 * `type` is what the server found it to be.
 */
export interface FileInfo {
  id: string
  name: string
  type: string
  size: number
  w?: number
  h?: number
  alt?: string
}

/** Asks for people by their names: a part of it, of those in one's rooms, or all of it. */
export interface FindPeople {
  text: string
}

/** What is left of a text that was deleted: that there was one. */
export type Forgotten = Record<string, never>

/** Says that events up to `head` were left out, since the connection was slow. */
export interface Gap {
  t: 'gap'
  s: string
  head: number
}

/** Makes a member something else. */
export interface GiveRole {
  s: string
  user: string
  role: 'member' | 'moderator' | 'owner'
}

/** Makes someone something else in the whole chat; for administrators. */
export interface GiveServerRole {
  user: string
  role: 'administrator' | 'member'
}

/** Opens the session; the first frame. */
export interface Hello {
  t: 'hello'
  client: Client
  feat?: string[]
  at?: Record<string, readonly [number, number]>
  token?: string
}

/** Asks for messages before, after or around one. */
export interface Hist {
  t: 'hist'
  id: number
  s: string
  before?: number
  after?: number
  around?: number
  limit?: number
}

/** Brings messages, in ascending order, as they were when the stream's head was `asof`. */
export interface HistOk {
  t: 'ok'
  id: number
  msgs: MessageInfo[]
  asof: number
  more: boolean
  users: Record<string, NameInfo>
}

/**
 * The rooms that someone belongs to, what waits in each, and what they keep of their own, by key.
 *
 * They want nothing of those who are `blocked`.
 */
export interface InboxCopy {
  rooms: RoomInfo[]
  marks: Record<string, Marks>
  own?: Record<string, unknown>
  blocked?: UserInfo[]
}

/** Brings a fresh copy of one's own stream, as it was at `head`. */
export interface InboxResetOk {
  t: 'ok'
  id: number
  epoch: number
  head: number
  snap: InboxCopy
  mode: 'reset'
}

/** Makes someone a member. */
export interface Invite {
  s: string
  user: string
}

/**
 * An invitation: by whom, until when, for how many, of whom so many came; and the room it leads
 * to.
 */
export interface InviteInfo {
  id: string
  by: UserInfo
  created: number
  expires: number
  uses: number
  used: number
  room?: NamedRoom
}

/** An invitation, and its token, which nobody is told again. */
export interface InviteResult {
  invite: InviteInfo
  token: string
}

/** Invitations, the newest first. */
export interface InvitesResult {
  invites: InviteInfo[]
}

/** Makes a link by which someone chooses another password, once; for administrators. */
export interface IssueReset {
  user: string
}

/** Enters a public room. */
export interface JoinRoom {
  s: string
}

/** Puts someone out of a room, who may come back. */
export interface Kick {
  s: string
  user: string
}

/** Leaves a room. */
export interface LeaveRoom {
  s: string
}

/**
 * How much is too much on one connection.
 *
 * A message has so many `files`, and each so many bytes as `file` says; 0 if none are taken.
 */
export interface Limits {
  frame: number
  text: number
  nonce_min: number
  nonce_max: number
  requests: number
  streams: number
  burst: number
  rate: number
  batch: number
  typing: number
  file: number
  files: number
}

/** The token of a link, which nobody is told again, and until when it is one. */
export interface LinkResult {
  token: string
  expires: number
}

/** Asks who is kept out of a room, from behind a page's `next` on. */
export interface ListBans {
  s: string
  after?: string
  limit?: number
}

/** Asks for the texts that a message had. */
export interface ListEdits {
  s: string
  q: number
}

/** Asks for the invitations that one may take back. */
export type ListInvites = Record<string, unknown>

/** Asks for a room's members, from behind a page's `next` on. */
export interface ListMembers {
  s: string
  after?: string
  limit?: number
}

/** Asks for the messages that are pinned to a room, the last pinned first. */
export interface ListPinned {
  s: string
}

/** Asks for public rooms, by name, from behind a page's `next` on; or for those that were archived. */
export interface ListRooms {
  after?: string
  limit?: number
  archived?: boolean
}

/** Asks where one is signed in. */
export type ListSessions = Record<string, unknown>

/** Asks for people by name, from behind a page's `next` on; for administrators. */
export interface ListUsers {
  query?: string
  after?: string
  limit?: number
}

/** Asks for the events after a number, however old they are. */
export interface Log {
  t: 'log'
  id: number
  s: string
  after: number
  limit?: number
}

/**
 * Brings events of a stream whose head is `head`; `more` if there are later ones.
 *
 * Up to `gone` they aren't there any more.
 */
export interface LogOk {
  t: 'ok'
  id: number
  epoch: number
  head: number
  ev: Event[]
  more: boolean
  users: Record<string, NameInfo>
  gone?: number
}

/**
 * How far someone has read a room: up to `read`; how many messages and mentions wait there.
 *
 * `asof` is the event of the room up to which that is counted, where nothing around it says so.
 */
export interface Marks {
  read: number
  unread: number
  mentions: number
  asof?: number
}

/**
 * Someone, as they see themselves; `username` is what they sign in by, if they have an account.
 *
 * `role` is what they are in the whole chat, if it is more than a member.
 */
export interface MeInfo {
  id: string
  name: string
  kind: 'guest' | 'account' | 'bot'
  username?: string
  role?: 'member' | 'administrator'
}

/** What happened to whom; `role` is what they are given, if they are. */
export interface MemberBody {
  op: 'join' | 'leave' | 'kick' | 'ban' | 'unban' | 'role' | 'rename'
  user: UserInfo
  role?: 'member' | 'moderator' | 'owner'
}

/** Someone in a room, and what they are there. */
export interface MemberInfo {
  id: string
  name: string
  role: 'member' | 'moderator' | 'owner'
}

/** A page of members; `next` if there is another. */
export interface MembersResult {
  members: MemberInfo[]
  next?: string
}

/** The message `q` of the room `s` speaks of one. */
export interface MentionBody {
  s: string
  q: number
}

/**
 * A message as it is now.
 *
 * Numbers of events: `q` of that which posted it, `rev` of its last change, `base` of that which
 * gave it its text, `pin` of that which pinned it. `ed` and `del` are times. `re` is the message
 * it answers, `th` the one whose thread it belongs to; `rc` is how many belong to its own. `rx`
 * has who reacted by which emoji.
 */
export interface MessageInfo {
  q: number
  rev: number
  ts: number
  by: string
  n: string
  text: string
  base: number
  re?: number
  th?: number
  ed?: number
  del?: number
  pin?: number
  rx?: Record<string, string[]>
  rc?: number
  files?: FileInfo[]
}

/** Messages as they were when the stream's head was `asof`; `more` if there are others before them. */
export interface MessagesResult {
  msgs: MessageInfo[]
  asof: number
  more: boolean
  users: Record<string, NameInfo>
}

/** What there is to say of someone whose id is known. */
export interface NameInfo {
  name: string
}

/** A room, as it is called. */
export interface NamedRoom {
  id: string
  name: string
}

/** What a message is to say from now on. */
export interface NewText {
  text: string
}

/** Says that it is done, and committed. */
export interface Ok {
  t: 'ok'
  id: number
}

/** Talks to these people, or, to nobody else, takes notes; of two people there is one such room. */
export interface OpenTalk {
  users: string[]
}

/** People. */
export interface PeopleResult {
  users: UserInfo[]
}

/** Someone, as administrators see them: since when they are there, or `disabled`, and last `seen`. */
export interface PersonInfo {
  id: string
  name: string
  kind: 'guest' | 'account' | 'bot'
  created: number
  username?: string
  role?: 'member' | 'administrator'
  disabled?: number
  seen?: number
}

/** Asks to pin the message `m` to its room, or no longer to. */
export interface Pin {
  t: 'pin'
  id: number
  s: string
  n: string
  m: number
  on: boolean
}

/** Asks whether the client is there, and says how far its streams are. */
export interface Ping {
  t: 'ping'
  heads?: Record<string, number>
}

/** The message `m` is pinned to its room, or no longer is. */
export interface PinnedBody {
  n: string
  m: number
  on: boolean
}

/** Answers a ping, from either side. */
export interface Pong {
  t: 'pong'
}

/** A message; `n` is the nonce that its author gave it. */
export interface PostedBody {
  n: string
  text: string
  re?: number
  th?: number
  files?: FileInfo[]
}

/** Says what state to be shown in, and with which words. */
export interface Pres {
  t: 'pres'
  state: 'dnd' | 'idle' | 'off' | 'on'
  text?: string
}

/** Says that someone has come, gone or changed. */
export interface PresenceChanged {
  t: 'eph'
  s: string
  d: PresenceInfo
  k: 'pres'
}

/** Someone who is here, and what they say about it; `off` if they have gone. */
export interface PresenceInfo {
  id: string
  name: string
  state: 'on' | 'idle' | 'dnd' | 'off'
  text?: string
}

/** Who is here; no users, only the count, where they are too many. */
export interface PresenceList {
  users: PresenceInfo[]
  count: number
}

/** Says who is here. */
export interface PresenceState {
  t: 'eph'
  s: string
  d: PresenceList
  k: 'pres.state'
}

/** Asks to react to the message `m` by the emoji `e`, or no longer to. */
export interface React {
  t: 'react'
  id: number
  s: string
  n: string
  m: number
  e: string
  on: boolean
}

/** Someone reacts to the message `m` by the emoji `e`, or no longer does. */
export interface ReactedBody {
  n: string
  m: number
  e: string
  on: boolean
}

/** Says that one has read a room up to `q`; less than before only if it goes `back`. */
export interface Read {
  t: 'read'
  s: string
  q: number
  back?: boolean
}

/**
 * One has read the room `s` up to `q`, and so much waits there as of its event `asof`.
 *
 * Events of earlier versions lack that.
 */
export interface ReadBody {
  s: string
  q: number
  unread: number
  mentions: number
  asof?: number
}

/** Asks what administrators have decided; for administrators. */
export type ReadSettings = Record<string, unknown>

/** Asks for the last messages of the thread of `q`, or the last before one of them. */
export interface ReadThread {
  s: string
  q: number
  before?: number
  limit?: number
}

export type Result = RoomResult | WriteResult | RoomsResult | MembersResult | EditsResult | MessagesResult | SessionsResult | SettingsResult | UsersResult | LinkResult | InviteResult | InvitesResult | AcceptedResult | DoneResult | BansResult | PeopleResult

/** Takes an invitation back. */
export interface RevokeInvite {
  id: string
}

/** Signs a session out. */
export interface RevokeSession {
  id: string
}

/** One belongs to a room. */
export interface RoomAddedBody {
  room: RoomInfo
}

/** What the room is now. */
export interface RoomBody {
  room: RoomInfo
}

/**
 * A room's last messages, in ascending order, and their authors; `more` if there are older ones.
 *
 * `pins` has each message that is pinned, however old, and the event that pinned it; the last
 * pinned first.
 */
export interface RoomCopy {
  room: RoomInfo
  me: Marks
  msgs: MessageInfo[]
  more: boolean
  users: Record<string, NameInfo>
  pins?: readonly [number, number][]
}

/** A room in the directory, and how many are in it; `joined` if one is oneself. */
export interface RoomEntry {
  room: RoomInfo
  members: number
  joined: boolean
}

/**
 * A room; `role` is what one is there oneself, where one asked as a member.
 *
 * A talk of certain people is of another `kind`, and has those `users`; `name` is what it is
 * called to who sees it. `posting` says who may begin to speak, `history` how much members see,
 * `archived` since when it is closed.
 */
export interface RoomInfo {
  id: string
  name: string
  topic: string
  visibility: 'public' | 'private'
  role?: 'member' | 'moderator' | 'owner'
  kind?: 'room' | 'direct' | 'group' | 'notes'
  users?: UserInfo[]
  posting?: 'all' | 'moderators'
  history?: 'all' | 'joined'
  archived?: number
}

/** One no longer belongs to a room, and why. */
export interface RoomRemovedBody {
  room: string
  why: 'leave' | 'kick' | 'ban'
}

/** Brings a fresh copy of a room, as it was at `head`. */
export interface RoomResetOk {
  t: 'ok'
  id: number
  epoch: number
  head: number
  snap: RoomCopy
  mode: 'reset'
}

/** The room, as one's own. */
export interface RoomResult {
  room: RoomInfo
}

/** A page of the directory; `next` if there is another. */
export interface RoomsResult {
  rooms: RoomEntry[]
  next?: string
}

/** Asks to store a message. */
export interface Send {
  t: 'send'
  id: number
  s: string
  n: string
  d: Draft
}

/** Says where a write is stored; `dup` if it was stored before. */
export interface SendOk {
  t: 'ok'
  id: number
  q: number
  ts: number
  dup?: boolean
}

export type ServerFrame = Welcome | Event | Ok | DeltaOk | RoomResetOk | InboxResetOk | BadgeOk | SendOk | HistOk | LogOk | CallOk | Err | Ephemeral | TypingNow | PresenceChanged | PresenceState | Badge | Gap | Ping | Pong | Bye

/** Where someone is signed in; `seen` is exact to the hour, `own` is that of who asks. */
export interface SessionInfo {
  id: string
  label: string
  created: number
  seen: number
  expires: number
  own: boolean
}

/** Where one is signed in. */
export interface SessionsResult {
  sessions: SessionInfo[]
}

/** One keeps a value by a key of one's own, or, without a value, no longer. */
export interface SetBody {
  key: string
  value?: unknown
}

/** Keeps a value by a key of one's own, for all one's devices; without a value, no longer. */
export interface SetOwn {
  key: string
  value?: unknown
}

/**
 * What administrators have decided.
 *
 * `sign_up` says who may make an account, `guests` whether a name alone lets people in,
 * `members_invite` whether everybody who has an account may make invitations.
 */
export interface SettingsInfo {
  sign_up: 'open' | 'invite' | 'closed'
  guests: boolean
  members_invite: boolean
}

/** What is decided now. */
export interface SettingsResult {
  settings: SettingsInfo
}

/** Gives up a write that was refused, so that later ones may go on. */
export interface Skip {
  t: 'skip'
  id: number
  s: string
  n: string
}

/** Asks for a stream, from a position on; at the level `badge` only for what waits there. */
export interface Sub {
  t: 'sub'
  id: number
  s: string
  at?: readonly [number, number]
  lvl?: 'badge' | 'full'
}

/** Says that someone types, or has stopped. */
export interface Typing {
  t: 'typing'
  s: string
  on: boolean
}

/** Who types, or has stopped. */
export interface TypingInfo {
  user: UserInfo
  on: boolean
}

/** Says that someone types; no longer true after `ttl`. */
export interface TypingNow {
  t: 'eph'
  s: string
  d: TypingInfo
  k: 'typing'
  ttl: number
}

/** Lets someone come back who was banned. */
export interface Unban {
  s: string
  user: string
}

/** Asks for no more of a stream. */
export interface Unsub {
  t: 'unsub'
  id: number
  s: string
}

/** Changes what is given, and leaves the rest. */
export interface UpdateRoom {
  s: string
  name?: string
  topic?: string
  visibility?: 'private' | 'public'
  posting?: 'all' | 'moderators'
  history?: 'all' | 'joined'
}

/** Someone, as everyone sees them. */
export interface UserInfo {
  id: string
  name: string
}

/** A page of people; `next` if there is another. */
export interface UsersResult {
  users: PersonInfo[]
  next?: string
}

/**
 * Says that the session is open; `heads` lists the streams that have moved: epoch and head of
 * each.
 */
export interface Welcome {
  t: 'welcome'
  sid: string
  me: MeInfo
  now: number
  hb: number
  limits: Limits
  heads: Record<string, readonly [number, number]>
  feat: string[]
  v: number
  level: number
}

/** Where the event is stored in its stream; `dup` if it was stored before. */
export interface WriteResult {
  q: number
  ts: number
  dup?: boolean
}

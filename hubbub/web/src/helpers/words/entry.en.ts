const problems: Record<string, string> = {
  unauthorized: 'The username or the password is wrong.',
  unreachable: "The server can't be reached. Check the network and try again.",
  too_many_requests: 'Too many attempts. Wait a minute, then try again.',
}

export const en = {
  haveAccount: 'I have an account',
  makeAccount: 'Create an account',
  asGuest: 'Come in as a guest',
  logInTitle: 'Welcome back.',
  logIn: 'Sign in',
  registerTitle: 'Create your account.',
  register: 'Create account',
  username: 'Username',
  usernameHint: 'What you sign in by: letters, digits, and . _ -',
  password: 'Password',
  passwordHint: 'At least 8 characters.',
  shownName: 'Your name (optional)',
  shownNameHint: 'What others see, if not your username.',
  accountEnded: 'Your session has ended. Sign in to come back.',
  entryProblem: (code: string, isNew: boolean) =>
    problems[code] ??
    (code === 'forbidden'
      ? isNew
        ? 'No accounts are made here just now.'
        : 'This account is disabled. An administrator can bring it back.'
      : isNew
        ? 'This username is taken or has other signs than it may have, or the name or password is too long.'
        : "That didn't work. Try again."),

  tagline: 'A calm room for conversation.',
  nameTitle: 'Hello. What should we call you?',
  nameLabel: 'Your name',
  namePlaceholder: 'Any name, in any script',
  nameEnter: 'Enter the lobby',
  nameEntering: 'Opening the door…',
  nameHint: 'No sign-up. This browser remembers you.',
  nameEmpty: 'Write a name first.',
  nameTooLong: (most: number) => `A name has at most ${most} characters.`,
  nameInvalid: "This name can't be used. Try one without special characters.",
  nameTooMany: 'Too many people have just arrived from where you are. Try again in a minute.',
  nameUnreachable: "The server can't be reached. Check the network and try again.",
  sessionEnded: 'Your session has ended. Choose a name to come back.',
  unreachableTitle: "Can't reach the server",
  unreachableText: 'It may be restarting. We keep trying.',
}
